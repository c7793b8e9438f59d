"""What ocf:reconciler:Process says about itself (OCF Resource Agent API 1.1, "Metadata")."""

META_DATA = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Process" version="1.0">
<version>1.1</version>
<longdesc lang="en">
Runs any command that stays in the foreground as a daemon in a session of its own. It is monitored by its pid
and start time and, if you give one, by a command of yours; its stop ends all that it started.
</longdesc>
<shortdesc lang="en">Any command as a daemon</shortdesc>
<parameters>
<parameter name="command" required="1">
<longdesc lang="en">
The command and its arguments, with quotes as in a shell. No shell runs: there are no variables, pipes or
redirections. It must stay in the foreground.
</longdesc>
<shortdesc lang="en">Command to run</shortdesc>
<content type="string"/>
</parameter>
<parameter name="directory">
<longdesc lang="en">The working directory.</longdesc>
<shortdesc lang="en">Working directory</shortdesc>
<content type="string" default="/"/>
</parameter>
<parameter name="user">
<longdesc lang="en">The user that the command runs as. By default the agent's, usually root.</longdesc>
<shortdesc lang="en">User</shortdesc>
<content type="string"/>
</parameter>
<parameter name="environment">
<longdesc lang="en">Environment variables, one KEY=VALUE a line. Only PATH and LC_ALL are set otherwise.</longdesc>
<shortdesc lang="en">Environment</shortdesc>
<content type="string"/>
</parameter>
<parameter name="logfile">
<longdesc lang="en">Where its output is appended. By default it is dropped.</longdesc>
<shortdesc lang="en">Log file</shortdesc>
<content type="string" default="/dev/null"/>
</parameter>
<parameter name="pidfile" unique="1">
<longdesc lang="en">Where pid and start time are kept. By default Process-ID.pid in HA_RSCTMP.</longdesc>
<shortdesc lang="en">File for the pid</shortdesc>
<content type="string"/>
</parameter>
<parameter name="stop_signal">
<longdesc lang="en">The signal that asks it to stop.</longdesc>
<shortdesc lang="en">Stop signal</shortdesc>
<content type="string" default="TERM"/>
</parameter>
<parameter name="stop_timeout">
<longdesc lang="en">
How long it may take after that signal before it is killed. Keep it below the timeout of the stop operation.
</longdesc>
<shortdesc lang="en">Time to stop</shortdesc>
<content type="string" default="15s"/>
</parameter>
<parameter name="monitor_command">
<longdesc lang="en">
A command that exits with 0 when the service works. The start waits until it does, and every monitor runs it.
</longdesc>
<shortdesc lang="en">Command that checks the service</shortdesc>
<content type="string"/>
</parameter>
<parameter name="ledger">
<longdesc lang="en">A file to which every start and stop that changes something appends one line.</longdesc>
<shortdesc lang="en">Record of starts and stops</shortdesc>
<content type="string"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="validate-all" timeout="20s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"""
