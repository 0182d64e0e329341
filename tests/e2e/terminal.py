"""The interactive view in a terminal of 80 by 24 in a guest, by tmux: functions for scripts that
press keys and look.

A toast is gone before an emulated machine has shown it, and rows far down are below the fold: what
is waited for is what stays, near the top. What looks is the shell itself: there a program's start
takes as long as a drawing of the view.
"""

from __future__ import annotations

TERMINAL = r"""
# The view, drawn as often as over ssh, in a terminal that stays when it has ended.
terminal() {
	tmux -u -f /dev/null new-session -d -x 80 -y 24 \
		env LC_ALL=C.UTF-8 PYTHONFAULTHANDLER=1 SSH_CONNECTION=- \
		sh -c "$python -m tracectl tui; echo it ended with \$?; sleep 1d"
}
press() { tmux send-keys -- "$@"; }
# The line of a dialog, instead of what it has.
answer() {
	tmux send-keys C-u \; send-keys -l -- "$1" \; send-keys Enter
	shows_no_more 'Enter does it'
}
resize() { tmux resize-window -x "$1" -y "$2"; }
# Waits until COMMAND... finds what it looks for in $screen.
until_screen() {
	for _ in $(seq 150); do
		screen=$(tmux capture-pane -p)
		echo "$screen" >/job/screen
		if "$@"; then
			read -r seconds _ </proc/uptime
			echo "$seconds $*" >>/job/seen
			return
		fi
		has 'it ended with' && break
		sleep 2
	done
	echo "this never came on the screen: $*" >&2
	cat /job/screen >&2
	# Where it is then, each of its threads.
	pkill -ABRT -f "^$python -m [t]racectl tui" && sleep 5
	tmux capture-pane -p -S - >&2
	exit 99
}
has() { case $screen in *"$1"*) ;; *) false ;; esac }
lacks() { ! has "$1"; }
shows() { until_screen has "$1"; }
shows_no_more() { until_screen lacks "$1"; }
# Escape, from where TEXT is shown: with the next key at once it would be a key with Alt.
leave() {
	press Escape
	shows_no_more "$1"
}
# The first row of the table of system calls, as a pattern.
is_busiest() {
	row=${screen#*"
syscall "}
	row=${row#*"
"}
	case $row in $1*) ;; *) false ;; esac
}
busiest() { until_screen is_busiest "$1"; }
# The view ended with the exit code, and left nothing on the screen.
ended_with() {
	shows "it ended with $1"
	lacks Traceback || exit 98
}
"""
