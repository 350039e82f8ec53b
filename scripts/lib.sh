# shellcheck shell=bash
# For the scripts beside it, which source it: gets what a machine lacks, and says what it does.

# Runs a command as root: as it is, or by sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install PACKAGE...
apt_install() {
    command -v apt-get >/dev/null || {
        echo "please install $* (this machine has no apt-get to do it with)" >&2
        return 1
    }
    echo "installing with apt-get: $*"
    as_root apt-get update -qq </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# need COMMAND PACKAGE...: the packages are installed when the command is missing.
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null || apt_install "$@"
}

# need_file FILE PACKAGE...: the packages are installed when the file is missing.
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
