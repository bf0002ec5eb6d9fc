# Any image with Rust, a C compiler and the CA certificates will do; Alpine's is musl from the start. Each architecture is
# built on a machine (or an emulator) of its own.
ARG RUST_IMAGE=rust:1-alpine
FROM ${RUST_IMAGE} AS build

# A profile of Cargo.toml: `release` is what users download, `ci` the same code compiled faster.
ARG PROFILE=release

WORKDIR /source
COPY . .
# The target folder is a cache mount and not part of the image, so the program has to leave it before the step ends.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    target="$(uname -m)-unknown-linux-musl" \
    && cargo build --locked --profile "${PROFILE}" --target "${target}" --bin ecs-deploy-action \
    && mkdir /program \
    && cp "target/${target}/${PROFILE}/ecs-deploy-action" /program/ecs-deploy-action \
    && ln -s ecs-deploy-action /program/ecs-deploy-action-post

FROM scratch

LABEL org.opencontainers.image.title="ecs-deploy-action" \
      org.opencontainers.image.description="A GitHub Action that deploys to Amazon ECS and tells the truth about the result" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# The program, and the name by which action.yml calls it after the job.
COPY --from=build /program/ /

# No USER: GitHub's runner mounts the workspace and its command files as their owner left them, and documents that a Docker
# action has to run as root to write there. No WORKDIR: the runner sets /github/workspace. And the exec form, because a shell
# would neither pass signals on nor keep variables with a hyphen in their name, which most inputs have.
# https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support
ENTRYPOINT ["/ecs-deploy-action"]
