# shellcheck shell=bash
# The simulator as a process of its own. Sourced after lib.sh; leaves its address in $simulator_url and stops it when the
# shell ends.
# shellcheck disable=SC2154 # lib.sh sets `tools`

# The arguments are those of the simulator's example `serve`.
simulator_start() {
    local log="$tools/simulator.log" attempt
    # With the whole workspace's features, as the tests were built: `cargo run --package` would compile the SDK once more.
    cargo build --locked --workspace --example serve
    target/debug/examples/serve "$@" >"$log" 2>&1 </dev/null &
    local process=$!
    at_exit kill "$process"
    for attempt in {1..100}; do
        simulator_url="$(grep -o -m 1 'http://[^ ]*' "$log" || true)"
        if [[ -n "$simulator_url" ]]; then
            echo "simulator: $simulator_url, after $attempt looks"
            return
        fi
        kill -0 "$process" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    fail "the simulator did not start"
}
