# shellcheck shell=bash
# For the scripts beside it, which source it: gets what a machine lacks, and says what it does.

# Runs a command as root: as it is, or by sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

apt_lists_are_new=

# apt_install PACKAGE...
apt_install() {
    command -v apt-get >/dev/null || {
        echo "please install: $* (there is no apt-get here to do it with)" >&2
        return 1
    }
    if [ -z "$apt_lists_are_new" ]; then
        echo "apt-get update"
        as_root apt-get update -qq </dev/null
        apt_lists_are_new=yes
    fi
    echo "apt-get install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# need COMMAND PACKAGE...: installs the packages when the command is missing.
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null || apt_install "$@"
}

# need_file FILE PACKAGE...: installs the packages when the file is missing.
need_file() {
    local file=$1
    shift
    [ -e "$file" ] || apt_install "$@"
}

# Node.js of 18 or newer, with npm.
need_node() {
    need node nodejs
    need npm npm
    local major
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 18 ] || {
        echo "node $(node --version) is too old: please install Node.js 18 or newer" >&2
        return 1
    }
}

# Chromium, or Chrome, or what CHROMIUM names.
need_chromium() {
    [ -n "${CHROMIUM:-}" ] || command -v google-chrome >/dev/null || command -v chromium-browser >/dev/null || need chromium chromium
}

# npm_ci FOLDER: installs exactly what the folder's lock file names.
npm_ci() {
    echo "npm ci in $1"
    (cd "$1" && npm ci --no-progress --loglevel=error </dev/null)
}
