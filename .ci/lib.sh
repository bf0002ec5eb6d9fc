# shellcheck shell=bash
# What the steps share. Sourced by every script here; from then on the repository is the working folder.

set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$repository"
# A check builds everything once: what makes the second build quick would only fill the disk, with gigabytes.
export CARGO_INCREMENTAL=0
# Under `target`, which git and the image build ignore; kept between runs.
tools="$repository/target/ci"
mkdir -p "$tools"
# Where the tests' simulators leave the requests they got.
# shellcheck disable=SC2034
journal="$tools/journal"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Something that the reader of the whole run has to know, said now and once more at its end.
note() {
    echo "$*"
    if [[ -n "${CHECK_NOTES:-}" ]]; then
        echo "$*" >>"$CHECK_NOTES"
    fi
}

exit_actions=()

# Runs a command when the shell ends, however it ends; the last one said runs first.
at_exit() {
    exit_actions=("$(printf '%q ' "$@")" "${exit_actions[@]}")
    trap run_exit_actions EXIT
}

run_exit_actions() {
    local action
    for action in "${exit_actions[@]}"; do
        eval "$action" || true
    done
}

# Components of the toolchain, which the one that is installed may lack.
need_components() {
    rustup component add "$@"
}

# Debian packages, installed where they are missing.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if ((${#missing[@]})); then
        echo "installing ${missing[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$tools/apt.log" 2>&1 \
            || { tail -n 20 "$tools/apt.log" >&2; fail "apt-get install ${missing[*]}"; }
    fi
}

# The Python tools of requirements.txt, in an environment of their own; its `bin` goes first on the PATH.
need_python_tools() {
    local environment="$tools/python" requirements="$repository/.ci/requirements.txt"
    if ! cmp -s "$requirements" "$environment/requirements.txt"; then
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --requirement "$requirements"
        cp "$requirements" "$environment/requirements.txt"
    fi
    export PATH="$environment/bin:$PATH"
}
