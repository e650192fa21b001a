# Shared by run and test: makes .venv and installs a requirements file into it when something changed.

cd "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "Python 3.11 or newer is needed and was not found. Install it, or name it: PYTHON=/path/to/python $0" >&2
    return 1
}

# install REQUIREMENTS: a stamp in .venv tells whether these very files were installed before.
install() {
    python=$(find_python) || exit 1
    if ! .venv/bin/python -c 'pass' 2>/dev/null; then
        "$python" -m venv --clear .venv || exit 1
    fi
    wanted=$(cat requirements.txt "$1" constraints.txt | cksum)
    stamp=".venv/installed-$(basename "$1")"
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
    if [ -e "$stamp" ]; then
        echo "$1 or constraints.txt has changed: bringing .venv up to date." >&2
    else
        # Measured with the set of constraints.txt on Linux; the tools of the checks come on top.
        echo "Installing $1 into .venv, once: about 400 MB to download, 1.4 GB on disk, one to three minutes." >&2
    fi
    .venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt -r "$1" || exit 1
    echo "$wanted" >"$stamp"
}
