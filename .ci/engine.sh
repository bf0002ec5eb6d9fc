# shellcheck shell=bash
# A Docker engine for the steps that run containers: the one that this shell reaches, or else one of our own from Debian's
# packages. Sourced after lib.sh; leaves DOCKER_HOST and PATH set for `docker`, and stops what it started when the shell ends.
# shellcheck disable=SC2154 # lib.sh sets `tools` and `repository`

engine_start() {
    if docker version >/dev/null 2>&1; then
        echo "Docker engine: the one that is here, $(docker version --format '{{.Server.Version}}')"
        return
    fi
    need_packages docker.io containerd runc iptables
    # The images stay for the next step and the next run; two engines must not share them.
    mkdir -p "$tools/docker"
    exec {engine_lock}>"$tools/docker.lock"
    flock "$engine_lock"
    engine_folder="$(mktemp -d)"
    # Another client on the PATH may lack BuildKit: ours is the one that came with the engine.
    mkdir "$engine_folder/bin"
    ln -s /usr/bin/docker "$engine_folder/bin/docker"
    export PATH="$engine_folder/bin:$PATH"
    export DOCKER_HOST="unix://$engine_folder/docker.sock"
    /usr/sbin/dockerd --data-root "$tools/docker" --exec-root "$engine_folder/exec" \
        --pidfile "$engine_folder/dockerd.pid" --host "$DOCKER_HOST" \
        >"$engine_folder/dockerd.log" 2>&1 </dev/null {engine_lock}>&- &
    engine_pid=$!
    at_exit engine_stop
    local attempt
    for attempt in {1..60}; do
        if docker version >/dev/null 2>&1; then
            echo "Docker engine: our own, $(docker version --format '{{.Server.Version}}'), reached after $attempt looks"
            return
        fi
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.5
    done
    tail -n 30 "$engine_folder/dockerd.log" >&2
    fail "the Docker engine did not start"
}

engine_stop() {
    kill "$engine_pid" 2>/dev/null || return 0
    wait "$engine_pid" 2>/dev/null || true
    # The engine leaves the host's network name space mounted there.
    umount "$engine_folder/exec/netns/default" 2>/dev/null || true
    rm -rf "$engine_folder"
}

# The image that the Dockerfile's build stage starts from, made of this machine's own toolchain: what is checked is then built
# by the compiler that ran the tests, and no image registry is needed. Its tag names the compiler, so it is made once.
build_base_image() {
    local version sysroot root mirror settings
    version="$(rustc --version | awk '{print $2}')"
    build_base="ecs-deploy-action-build-base:$version"
    if docker image inspect "$build_base" >/dev/null 2>&1; then
        echo "build base: $build_base is here"
        return
    fi
    need_packages debootstrap debian-archive-keyring
    rustup target add "$(uname -m)-unknown-linux-musl"
    sysroot="$(rustc --print sysroot)"
    root="$(mktemp -d)"
    at_exit rm -rf "$root"
    # shellcheck disable=SC2016 # apt's placeholder, not the shell's
    mirror="$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' | head -n 1)"
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev,musl-tools \
        bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >"$root.log" 2>&1 \
        || { tail -n 20 "$root.log" >&2; fail "debootstrap"; }
    rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    # The machine's own roots: where its way to crates.io has a certificate of its own, the build goes that way as well.
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    mkdir -p "$root/usr/local/cargo" "$root/usr/local/rust"
    settings="${CARGO_HOME:-$HOME/.cargo}/config.toml"
    if [[ -f "$settings" ]]; then
        cp "$settings" "$root/usr/local/cargo/"
    fi
    tar --create --directory "$sysroot" --exclude ./share . | tar --extract --directory "$root/usr/local/rust"
    tar --create --directory "$root" . | docker import \
        --change 'ENV PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_HOME=/usr/local/cargo' - "$build_base" >/dev/null
    echo "build base: $build_base, made of $sysroot"
}

# The action's own image under $action_image, through its Dockerfile.
action_image_build() {
    action_image="ecs-deploy-action:check"
    build_base_image
    DOCKER_BUILDKIT=1 docker build --progress plain --network host --build-arg "RUST_IMAGE=$build_base" \
        --build-arg PROFILE=ci --tag "$action_image" "$repository"
}
