"""What the lab's two machines have in them: packages, files and services, and with what they boot."""

PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,initramfs-tools,pacemaker-remote,resource-agents,"
    "nginx-light,iproute2,netbase,curl,procps"
)
_KEY_SCRIPT = """\
#!/bin/sh
# Takes the node's key from QEMU's firmware device to where pacemaker_remoted looks.
set -eu
modprobe qemu_fw_cfg
install -D -m 0640 -o root -g haclient \\
    /sys/firmware/qemu_fw_cfg/by_name/opt/reconciler/authkey/raw /etc/pacemaker/authkey
"""
_KEY_UNIT = """\
[Unit]
Description=Take the node's key from the firmware
DefaultDependencies=no
After=local-fs.target
Before=pacemaker_remote.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab-key
[Install]
WantedBy=multi-user.target
"""
# An address on the kernel's command line takes the place of DHCP; /run comes before /etc, by name.
_ADDRESS_SCRIPT = """\
#!/bin/sh
set -eu
for word in $(cat /proc/cmdline); do
    case $word in lab.address=*)
        mkdir -p /run/systemd/network
        printf '[Match]\\nName=e*\\n[Network]\\nAddress=%s\\nLinkLocalAddressing=no\\n' "${word#*=}" \\
            > /run/systemd/network/10-lab.network ;;
    esac
done
"""
_ADDRESS_UNIT = """\
[Unit]
Description=Take the address from the kernel's command line
DefaultDependencies=no
Before=systemd-networkd.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab-address
[Install]
WantedBy=multi-user.target
"""
# The test's hand in the machine: a program's name sent to port 9 has all processes of that name killed.
_KILL_SOCKET = "[Socket]\nListenStream=9\nAccept=yes\n[Install]\nWantedBy=sockets.target\n"
_KILL_UNIT = """\
[Service]
ExecStart=/bin/sh -c 'read -r name; pkill -KILL -x "$name"; echo done'
StandardInput=socket
StandardOutput=socket
"""
# The ledger of nginx, where the end of the machine cannot take it: the console's log lies on the host.
_NGINX_LEDGER = """\
[Service]
ExecStartPost=+/bin/sh -c 'echo "LEDGER start nginx" > /dev/console'
"""
# Whoever has reached the agent may push the power button: a push before logind looks at the button is nobody's.
_BUTTON_WATCHED = "[Unit]\nAfter=systemd-logind.service\n"
_NETWORK = "[Match]\nName=e*\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n"
FILES = (
    (
        "etc/initramfs-tools/conf.d/lab",
        "MODULES=list\n",
        0o644,
    ),  # it is small then; lab_initrd.py makes what is used
    ("etc/systemd/network/lab.network", _NETWORK, 0o644),
    ("etc/systemd/system/lab-key.service", _KEY_UNIT, 0o644),
    ("etc/systemd/system/lab-address.service", _ADDRESS_UNIT, 0o644),
    ("etc/systemd/system/lab-kill.socket", _KILL_SOCKET, 0o644),
    ("etc/systemd/system/lab-kill@.service", _KILL_UNIT, 0o644),
    ("etc/systemd/system/nginx.service.d/ledger.conf", _NGINX_LEDGER, 0o644),
    ("etc/systemd/system/pacemaker_remote.service.d/button.conf", _BUTTON_WATCHED, 0o644),
    ("usr/local/sbin/lab-key", _KEY_SCRIPT, 0o755),
    ("usr/local/sbin/lab-address", _ADDRESS_SCRIPT, 0o755),
    ("etc/hostname", "lab\n", 0o644),
)
ENABLED = "systemd-networkd pacemaker_remote nginx lab-key lab-address lab-kill.socket"
# What nobody asks for in a machine without a screen and for one boot, and takes half of that under emulation.
MASKED = (
    *("systemd-networkd-wait-online.service", "systemd-networkd-persistent-storage.service", "logd.service"),
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "fstrim.timer",
    ),
    *(
        "e2scrub_reap.service",
        "getty.target",
        "ldconfig.service",
        "modprobe@.service",
        "systemd-binfmt.service",
    ),
    *(
        "systemd-hwdb-update.service",
        "systemd-journal-catalog-update.service",
        "systemd-journal-flush.service",
    ),
    *("systemd-modules-load.service", "systemd-network-generator.service", "systemd-pstore.service"),
    *("systemd-random-seed.service", "systemd-sysctl.service", "systemd-sysusers.service"),
    *("systemd-tmpfiles-clean.timer", "systemd-update-done.service", "systemd-update-utmp.service"),
    *(
        "dev-hugepages.mount",
        "dev-mqueue.mount",
        "proc-sys-fs-binfmt_misc.automount",
        "sys-kernel-config.mount",
    ),
    *("sys-fs-fuse-connections.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"),
)
GENERATORS = (
    *(
        "debug",
        "fstab",
        "getty",
        "gpt-auto",
        "hibernate-resume",
        "rc-local",
        "run",
        "ssh",
        "system-update",
        "sysv",
    ),
    "tpm2",
)
BOOT = "root=/dev/vda rw quiet console=ttyS0 lsm=capability initcall_blacklist=jent_mod_init no_timer_check"
"""Without security modules and seconds of measuring how random the clock is; and without trying whether the timer
ticks at its pace, which a busy machine lets it fail."""
# Without systemd: the agent is the first program. Name and network are what the kernel's command line says, or a seed:
# as by cloud-init, which takes long to start under emulation, user-data is a script, and meta-data has the name.
SMALL_INIT = """\
#!/bin/sh
set -eu
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sys /sys
mount -t tmpfs run /run
address=10.0.2.15/24
node=guest
for word in $(cat /proc/cmdline); do
    case $word in lab.address=*) address=${word#*=} ;; lab.node=*) node=${word#*=} ;; esac
done
ip link set lo up
for device in /sys/class/net/e*; do
    ip link set "${device##*/}" up
done
# What udev would do, which takes longer than all the rest.
mkdir /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
    read -r name < "$port/name" && ln -s "../${port##*/}" "/dev/virtio-ports/$name"
done
if seed=$(blkid --label cidata); then
    mkdir /run/seed
    mount -t iso9660 -o ro "$seed" /run/seed
    node=$(sed -n 's/^local-hostname: //p' /run/seed/meta-data)
    /bin/sh /run/seed/user-data
else
    ip address add "$address" dev "${device##*/}"
fi
umask 077
mkdir /run/node
for file in authkey agent.pyz; do
    cat /sys/firmware/qemu_fw_cfg/by_name/opt/reconciler/$file/raw > /run/node/$file
done
exec /usr/bin/python3 -I -S /run/node/agent.pyz serve --init --listen 0.0.0.0:3121 \\
    --key-file /run/node/authkey --key-channel /dev/virtio-ports/org.reconciler.key.0 \\
    --node "$node" --state /run/reconciler-agent
"""
