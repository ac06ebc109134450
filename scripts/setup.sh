#!/bin/sh
# Makes an environment and installs the requirements of a file, only when they changed since the last time:
# setup.sh [FILE [FOLDER [OPTION OF PIP]]]
# Works without anything but a POSIX shell and Python; a missing Python gets the exact remedy.
set -eu
requirements=${1:-requirements.txt}
venv=${2:-.venv}
option=${3:-}
stamp=$venv/$(basename "$requirements").installed
log=$venv/install.log

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

remedy() { # what is missing, then the packages of Debian, Fedora and Homebrew
    if [ "$(id -u)" = 0 ]; then sudo=''; else sudo='sudo '; fi
    printf '%s Install it, then repeat the command:\n' "$1" >&2
    if [ "$(uname -s)" = Darwin ]; then
        fail "  brew install $4"
    elif command -v apt-get >/dev/null 2>&1; then
        fail "  ${sudo}apt-get update && ${sudo}apt-get install -y $2"
    elif command -v dnf >/dev/null 2>&1; then
        fail "  ${sudo}dnf install -y $3"
    fi
    fail "  Debian, Ubuntu:  ${sudo}apt-get update && ${sudo}apt-get install -y $2" \
        "  Fedora:          ${sudo}dnf install -y $3" \
        "  macOS:           brew install $4"
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$python"; then
            return
        fi
    done
    if command -v python3 >/dev/null 2>&1; then
        remedy "Python 3.11 or newer is needed, and python3 is $(python3 -c \
            'import platform; print(platform.python_version())')." \
            'python3.11 python3.11-venv' python3.12 python@3.12
    fi
    remedy 'Python 3.11 or newer is needed, and there is none.' 'python3 python3-venv' python3 python
}

make_venv() {
    find_python
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        remedy "$python has no venv module." "python$version-venv" "python$version" "python@$version"
    fi
    echo "Making $venv with $("$python" --version)."
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail \
        "The folder $venv could not be made. Is this folder writable, and is there room on the disk?"
}

count() { # one line of progress instead of pip's hundreds: rewritten on a terminal, every tenth elsewhere
    total=$(wanted | sort -u | grep -c == || true)
    [ -t 1 ] && terminal=1 || terminal=0
    awk -v total="$total" -v terminal="$terminal" '
        /^ *Collecting / {
            done++
            if (terminal) printf "\r\033[K  %d of about %d: %s", done, total, $2
            else if (done % 10 == 0) print "  " done " of about " total
            fflush()
        }
        /^ *Downloading .*MB/ && terminal { printf "  %s %s", $(NF - 1), $NF; fflush() }
        /^Installing collected/ { printf (terminal ? "\r\033[K" : ""); print "  Unpacking."; fflush() }
    '
}

wanted() { # the file and those that it includes
    sed -n 's/^-r //p' "$requirements" | xargs cat "$requirements" 2>/dev/null
}

install() {
    echo "Installing the dependencies of $requirements (the first time takes a minute or two)."
    rm -f "$stamp" "$log"
    {
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
            ${option:+"$option"} --log "$log" -r "$requirements" 2>"$log.errors" && wanted >"$stamp"
    } | count
    if [ ! -f "$stamp" ]; then
        tail -n 15 "$log.errors" >&2
        if grep -q '+cpu$' "$requirements"; then
            echo 'Its +cpu packages come from PyTorch: set PIP_EXTRA_INDEX_URL to its index of CPU builds.' >&2
        fi
        fail '' "The dependencies were not installed (pip's words are above, all of them in $log)." \
            'Check the network connection and the room on the disk, then repeat the command.'
    fi
}

python=$venv/bin/python
if ! { [ -x "$python" ] && is_new_enough "$python" && "$python" -c 'import pip' >/dev/null 2>&1; }; then
    make_venv
fi
if ! wanted | cmp -s - "$stamp"; then
    install
fi
