"""Has libvirtd lose a container as it starts, which it does by itself now and then on a busy machine.

Its virLXCMonitorNew connects to the container's controller, has the event loop listen
(virNetClientRegisterAsyncIO), and only then says which messages it understands (virNetClientAddProgram). The
controller's first message is often there already; read in between it is understood by nobody, and the connection is
given up in silence. Here the second step waits for that, once.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.lab_hosts import LabHost

_SLOW_STEP = """\
#include <dlfcn.h>
#include <stdbool.h>
#include <unistd.h>

bool virNetClientIsOpen(void *client);

int virNetClientAddProgram(void *client, void *program)
{
    static bool is_done;
    int (*real)(void *, void *) = dlsym(RTLD_NEXT, "virNetClientAddProgram");

    while (!is_done && virNetClientIsOpen(client))
        usleep(1000);
    is_done = true;
    return real(client, program);
}
"""


@contextmanager
def first_container_lost(host: LabHost) -> Iterator[None]:
    """Have the host's libvirtd lose the first container that it starts, and no other."""
    source, library = host.folder / "slow_step.c", host.folder / "slow_step.so"
    source.write_text(_SLOW_STEP)
    compiler = ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(compiler, check=True, stdin=subprocess.DEVNULL)
    host.kill_libvirtd()
    host.start_libvirtd("env", f"LD_PRELOAD={library}")
    try:
        yield
    finally:
        host.kill_libvirtd()
        host.start_libvirtd()
