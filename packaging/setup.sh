#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Installs what building, testing and the guest need on Debian 12: packages that
# are missing, and the Python environment in .venv. Run again, it only checks.
set -eu
cd "$(dirname "$0")/.."

# gcc-12: what Debian 12's kernels were built with. libelf1: objtool. mandoc: checks
# the man pages; zsh, fish: run the completions; babeltrace2: reads exported traces.
# git, curl: programs that tests trace. tmux: the view's terminal. libpython3-dev:
# tracectl/walk.
packages="gcc gcc-12 libc6-dev libpython3-dev make libelf1 xz-utils kmod python3 python3-venv
	qemu-system-x86 busybox-static mmdebstrap strace sparse clang-format ca-certificates
	mandoc zsh fish babeltrace2 stress-ng git curl tmux"
# Guests of another architecture, only for who asks for one.
case " ${KERNELS-} " in
*-arm64\ *)
	packages="$packages qemu-system-arm gcc-12-aarch64-linux-gnu libc6-dev-arm64-cross
		gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
	;;
esac

# A browser for the view, for the slow tests only: it is large.
[ -z "${SLOW-}" ] || packages="$packages chromium"

install_missing() {
	$as_root apt-get -qq -o Acquire::Retries=3 update &&
		# shellcheck disable=SC2086
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 \
			install --no-install-recommends $missing >/dev/null
}

missing=
for package in $packages; do
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
		grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
	as_root=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			echo "setup: as root, run: apt-get install$missing" >&2
			exit 3
		}
		as_root=sudo
	fi
	echo "setup: installing$missing" >&2
	# Again: a mirror that is just being updated lists packages that are gone.
	install_missing || install_missing
fi

python=python3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	echo "setup: Python 3.11 or newer is needed, $("$python" -V) is here" >&2
	exit 3
}
# compat: a line in a .pth file, not a finder, which each start of Python would import.
install() {
	.venv/bin/pip install --quiet --disable-pip-version-check \
		--config-settings editable_mode=compat "$@"
}
stamp=.venv/.pyproject.toml
if ! cmp -s pyproject.toml "$stamp"; then
	echo "setup: making the Python environment in .venv" >&2
	[ -x .venv/bin/pip ] || "$python" -m venv .venv
	install -e '.[dev]'
	cp pyproject.toml "$stamp"
elif [ -n "$(find setup.py tracectl/walk/*.[ch] kmod/uapi/tracectl.h -newer "$stamp")" ]; then
	echo "setup: compiling tracectl/walk" >&2
	install --no-deps -e .
	touch "$stamp"
fi
