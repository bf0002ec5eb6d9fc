//! The known causes. The texts are those of "Amazon ECS stopped tasks error messages", "CannotPullContainer task
//! errors" and "Amazon ECS service event messages" in the ECS developer guide, of amazon-ecs-agent, and of what people
//! report of both; the tests have them in full.

use super::KnownCause;
use super::Sign::{Exit, Said, SaidOfContainer};

const NOTHING: &str = "";
const IMAGE: &str = r#"(?:resolve ref(?:erence)?|pull access denied for|manifest for|unpack image|cannot pull) ["'‘]?(?<name>[\w./:@-]*\w)"#;
const SECRET: &str =
    r"(?:invalid ssm parameters: |secret with ARN ['‘]?|fetch secret |on resource: )(?<name>[\w:/+=.@-]*\w)";
const ROLE: &str = r"role ['‘]?(?<name>arn:[\w:/+=,.@-]*\w)";
const SUBNET: &str = r"(?<name>subnet-\w+)";
const PORT: &str = r"\(port (?<name>\d+)\)";

/// From the special to the general: of one text or one task, the first row that fits is the cause.
pub(super) static CATALOGUE: &[KnownCause] = &[
    // Images. A registry that cannot be reached says "failed to resolve" as well, so it comes before a missing image.
    KnownCause {
        code: "wrong-platform",
        sign: Said(r"descriptor (?:matching|for) platform|no matching manifest for"),
        names: r"(?:platform ['‘{]?|manifest for )(?<name>\w+/[\w/]*\w)",
        hint: "The image has no build for the task's platform{}. Build it for that platform (`docker build --platform`), or \
               set `runtimePlatform` in the task definition to what the image has.",
    },
    KnownCause {
        code: "wrong-platform",
        sign: Said("exec format error"),
        names: NOTHING,
        hint: "The program in the image is built for another CPU architecture than the task runs on. Build the image for it \
               (`docker build --platform`), or set `runtimePlatform` in the task definition to what the image has.",
    },
    KnownCause {
        code: "image-rate-limited",
        sign: Said("toomanyrequests|pull rate limit"),
        names: IMAGE,
        hint: "The registry limits how often images are pulled without a login. Give the container `repositoryCredentials`, or \
               copy the image into Amazon ECR.",
    },
    KnownCause {
        code: "disk-full",
        sign: Said("no space left on device"),
        names: NOTHING,
        hint: "The disk is full. On Fargate raise `ephemeralStorage` in the task definition; on a container instance free or \
               enlarge its disk.",
    },
    KnownCause {
        code: "registry-unreachable",
        sign: Said(
            "(?:CannotPullContainer|ecr registry auth|registry auth from Amazon ECR).*(?:i/o timeout|request canceled|\
             requesterror|connection issue|deadline exceeded|context canceled|no such host|connection refused|\
             check your network configuration|handshake timeout|maximum number of attempts)",
        ),
        names: NOTHING,
        hint: "The task has no route to the registry. A private subnet needs a NAT gateway or VPC endpoints (`ecr.api`, \
               `ecr.dkr`, `s3`), a public one `assignPublicIp`, and the security group has to let HTTPS out.",
    },
    KnownCause {
        code: "image-access-denied",
        sign: Said(
            "CannotPullContainer.*(?:forbidden|access ?denied|not authorized|authorization failed|unauthorized|\
             no basic auth credentials|role has the permissions)|not authorized to perform: ecr:|\
             (?:ecr registry auth|registry auth from Amazon ECR).*AccessDenied",
        ),
        names: IMAGE,
        hint: "The image{} may not be pulled, or does not exist. Check its name, and that the execution role (on a container \
               instance: the instance's role) and the repository's policy allow pulling.",
    },
    KnownCause {
        code: "image-missing",
        sign: Said("CannotPullContainer.*(?:not found|manifest unknown|does not exist)"),
        names: IMAGE,
        hint: "The image{} does not exist. Check that it was pushed, to this registry and region and under this tag, before \
               the deployment.",
    },
    KnownCause {
        code: "image-not-pulled",
        sign: Said("CannotPullContainer"),
        names: IMAGE,
        hint: "The image{} could not be pulled. Check that it exists, that the execution role may pull it, and that the task's \
               subnet has a route to the registry.",
    },
    // Secrets and parameters.
    KnownCause {
        code: "secret-key-missing",
        sign: Said("did not contain json key"),
        names: r"json key (?<name>[\w.-]*\w)",
        hint: "The secret has no JSON key{}. Add the key to the secret, or correct it in `valueFrom` of the task definition; \
               upper and lower case matter.",
    },
    KnownCause {
        code: "secret-access-denied",
        sign: Said(
            "not authorized to perform: (?:secretsmanager|ssm|kms):|\
             (?:secret|ssm|parameter).*(?:AccessDenied|Access to KMS is not allowed)",
        ),
        names: SECRET,
        hint: "The execution role may not read the secret{}. Allow it `secretsmanager:GetSecretValue` or `ssm:GetParameters` \
               on it, and `kms:Decrypt` when it is encrypted with a key of your own.",
    },
    KnownCause {
        code: "secret-unreachable",
        sign: Said(
            "(?:from asm|from ssm|Secrets Manager|Parameter Store).*(?:RequestCanceled|RequestError|i/o timeout|\
             deadline exceeded|connection issue|network connection)",
        ),
        names: NOTHING,
        hint: "The task has no route to its secrets. A private subnet needs a NAT gateway or VPC endpoints (`secretsmanager`, \
               `ssm`, `kms`), a public one `assignPublicIp`, and the security group has to let HTTPS out.",
    },
    KnownCause {
        code: "secret-missing",
        sign: Said("find the specified secret|retrieve the secret with ARN|invalid ssm parameters|ParameterNotFound"),
        names: SECRET,
        hint: "The secret{} does not exist in this region and account. Create it, or correct `valueFrom` in the task \
               definition.",
    },
    KnownCause {
        code: "secret-or-registry-login",
        sign: Said("unable to pull secrets or registry auth|unable to retrieve secrets? from"),
        names: SECRET,
        hint: "A secret or the login to the registry could not be fetched. Check that the secrets exist, that the execution \
               role may read them, and that the task's subnet has a route to them and to the registry.",
    },
    KnownCause {
        code: "environment-file",
        sign: Said("failed to download env files|unable to download env"),
        names: NOTHING,
        hint: "An environment file could not be read from S3. Check the ARNs in `environmentFiles`, and that the execution role \
               has `s3:GetObject` on the files and `s3:GetBucketLocation` on the bucket.",
    },
    // Roles.
    KnownCause {
        code: "role-not-assumable",
        sign: Said("unable to assume the (?:configured .* )?role"),
        names: ROLE,
        hint: "ECS cannot assume the role{}. Check that it exists and that its trust policy lets `ecs-tasks.amazonaws.com` \
               assume it.",
    },
    // Logs.
    KnownCause {
        code: "logs-unreachable",
        sign: Said("(?:logger args|logging driver).*(?:connection issue|i/o timeout|deadline exceeded|signal: killed)"),
        names: NOTHING,
        hint: "The task has no route to its logs. A private subnet needs a NAT gateway or the VPC endpoint `logs`, and the \
               security group has to let HTTPS out.",
    },
    KnownCause {
        code: "logs-access-denied",
        sign: Said("(?:logger args|logging driver|log stream).*(?:AccessDenied|not authorized)"),
        names: NOTHING,
        hint: "The execution role may not write logs. Allow it `logs:CreateLogStream` and `logs:PutLogEvents` on the log group, \
               and `logs:CreateLogGroup` when `awslogs-create-group` is set.",
    },
    KnownCause {
        code: "log-group-missing",
        sign: Said("log group does not exist|cannot find the Amazon CloudWatch log group"),
        names: NOTHING,
        hint: "The log group of a container does not exist. Create the one in `awslogs-group`, or set `awslogs-create-group` to \
               `true`.",
    },
    KnownCause {
        code: "log-driver",
        sign: Said("failed to validate logger args|failed to initialize logging driver"),
        names: NOTHING,
        hint: "The log driver could not start. Check the options in the container's `logConfiguration`.",
    },
    // Volumes and limits.
    KnownCause {
        code: "efs-not-mounted",
        sign: Said("EFS utils commands"),
        names: r"(?<name>fs-\w+)",
        hint: "The EFS file system{} could not be mounted. Check that it has a mount target in the task's Availability Zone, \
               that its security group lets the task in on port 2049, and that the directory or access point exists.",
    },
    KnownCause {
        code: "volume",
        sign: Said("CannotCreateVolumeError|invalid mount config|bind source path does not exist"),
        names: NOTHING,
        hint: "A volume could not be made ready. Check `volumes` and `mountPoints` in the task definition, and that the host \
               has what they name.",
    },
    KnownCause {
        code: "ulimit",
        sign: Said("error setting rlimit"),
        names: NOTHING,
        hint: "A limit in `ulimits` is above what the host allows. Lower it, or leave it out; Fargate allows only `nofile` to \
               be changed.",
    },
    KnownCause {
        code: "out-of-memory",
        sign: SaidOfContainer("OutOfMemory|OOM-killed"),
        names: NOTHING,
        hint: "The container{} used more memory than it may and was killed. Raise `memory` of the container or the task, or make \
               the program use less.",
    },
    // The start of a container.
    KnownCause {
        code: "command-not-found",
        sign: SaidOfContainer(
            "(?:CannotStart|CannotCreate|OCI runtime).*(?:executable file not found|exec: .*no such file or directory)",
        ),
        names: NOTHING,
        hint: "The command of the container{} is not in the image. Check `command` and `entryPoint` in the task definition, and \
               the image's own; in a script, check the interpreter in its first line.",
    },
    KnownCause {
        code: "command-not-executable",
        sign: SaidOfContainer("(?:CannotStart|CannotCreate|OCI runtime).*exec: .*permission denied"),
        names: NOTHING,
        hint: "The command of the container{} is not executable. Give the file its permission (`chmod +x`) when the image is \
               built, and check which `user` runs it.",
    },
    KnownCause {
        code: "gpu-unavailable",
        sign: Said("could not select device driver|nvidia-container-cli"),
        names: NOTHING,
        hint: "The host's GPU could not be used. Use the GPU variant of the ECS-optimized machine image, with a driver that \
               the image's CUDA version works with.",
    },
    KnownCause {
        code: "port-taken",
        sign: Said("port is already allocated|address already in use|already using a port|RESOURCE:PORTS"),
        names: NOTHING,
        hint: "The host port is taken, often by the old task. Leave `hostPort` out, so that the port is dynamic, use `awsvpc`, \
               add an instance, or lower the service's minimum healthy percent.",
    },
    KnownCause {
        code: "container-start-timeout",
        sign: SaidOfContainer("ContainerRuntimeTimeoutError|DockerTimeoutError"),
        names: NOTHING,
        hint: "The container{} was not up in the time that the host gives it. Look at the host's load and disk; on Fargate, \
               deploying again often helps.",
    },
    KnownCause {
        code: "container-not-started",
        sign: SaidOfContainer(
            "CannotStartContainerError|CannotCreateContainerError|failed to create new container runtime task",
        ),
        names: NOTHING,
        hint: "The container{} could not be started: the reason beside it comes from the container runtime. Compare it with the \
               container's `command`, `entryPoint`, `user`, mounts and limits.",
    },
    // Health checks.
    KnownCause {
        code: "container-health-check",
        sign: Said("failed container health checks"),
        names: NOTHING,
        hint: "The health check in the task definition keeps failing. Run its command inside the image (is `curl` in it?), and \
               give a slow start more time with `startPeriod`.",
    },
    KnownCause {
        code: "port-not-answering",
        sign: Said(r"unhealthy in .*reason Request timed out"),
        names: PORT,
        hint: "The load balancer gets no answer on port{}. The program has to listen on that port of `0.0.0.0`, not only of \
               `localhost`, and the security group of the task has to let the load balancer in.",
    },
    KnownCause {
        code: "load-balancer-status",
        sign: Said(r"unhealthy in .*failed with these codes"),
        names: r"these codes: \[(?<name>[\d,-]+)\]",
        hint: "The health check of the load balancer was answered with status{}. Correct the path of the target group's health \
               check, or the codes that it takes for success.",
    },
    KnownCause {
        code: "load-balancer-health-check",
        sign: Said(r"failed ELB health checks|unhealthy in \(?(?:target-group|elb)"),
        names: r"targetgroup/(?<name>[\w-]+)",
        hint: "The load balancer's health check fails in the target group{}. Check its path and port, and give a slow start more \
               time with the service's `healthCheckGracePeriodSeconds`.",
    },
    // Capacity.
    KnownCause {
        code: "subnet-full",
        sign: Said("InsufficientFreeAddresses|not enough free addresses"),
        names: SUBNET,
        hint: "The subnet{} has no free IP address. Give the service more or larger subnets, or free addresses.",
    },
    KnownCause {
        code: "network-interface",
        sign: Said("network interface provisioning|Create Network Interface|unused device index"),
        names: SUBNET,
        hint: "The network interface of the task could not be made. Check that subnet and security groups of the service still \
               exist; when they do, deploy again.",
    },
    KnownCause {
        code: "fargate-capacity",
        sign: Said("Capacity is unavailable at this time"),
        names: NOTHING,
        hint: "Fargate has no free capacity there at the moment. Try again later, give the service subnets in more Availability \
               Zones, or use `FARGATE` where it uses `FARGATE_SPOT`.",
    },
    KnownCause {
        code: "quota",
        sign: Said("reached the limit on the number of (?:vCPUs|tasks)|configuration is above your limit"),
        names: NOTHING,
        hint: "The account's Fargate quota is used up, and a rolling deployment needs old and new tasks side by side. Ask for \
               more in Service Quotas, or run less.",
    },
    KnownCause {
        code: "no-container-instances",
        sign: Said("No Container Instances were found"),
        names: NOTHING,
        hint: "The cluster or its capacity provider has no container instance. Check that the Auto Scaling group may grow and \
               that its instances register with this cluster.",
    },
    KnownCause {
        code: "no-memory-left",
        sign: Said("insufficient memory|RESOURCE:MEMORY"),
        names: NOTHING,
        hint: "No container instance has enough free memory for one more task. Add instances, lower the task's memory, or lower \
               the service's minimum healthy percent so that an old task makes room.",
    },
    KnownCause {
        code: "no-cpu-left",
        sign: Said("insufficient CPU|RESOURCE:CPU"),
        names: NOTHING,
        hint: "No container instance has enough free CPU units for one more task. Add instances, lower the task's CPU, or lower \
               the service's minimum healthy percent so that an old task makes room.",
    },
    KnownCause {
        code: "no-gpu-left",
        sign: Said("insufficient GPU|RESOURCE:GPU"),
        names: NOTHING,
        hint: "No container instance has a free GPU. Add instances, or set the service's minimum healthy percent to 0, so that \
               the old task gives its GPU up first.",
    },
    KnownCause {
        code: "no-network-interface-left",
        sign: Said("RESOURCE:ENI"),
        names: NOTHING,
        hint: "No container instance has a free network interface. Add instances, or turn on `awsvpcTrunking` and use instance \
               types that support it.",
    },
    KnownCause {
        code: "attribute-missing",
        sign: Said("missing an attribute required"),
        names: NOTHING,
        hint: "No container instance has an attribute that the task needs, such as a log driver, a CPU architecture or a subnet. \
               Compare `requiresAttributes` of the task definition with the attributes of the instances.",
    },
    KnownCause {
        code: "agent-disconnected",
        sign: Said(r#"error ["'“]?AGENT\b"#),
        names: NOTHING,
        hint: "The ECS agent of the container instance is disconnected. Restart it, or replace the instance.",
    },
    KnownCause {
        code: "no-capacity",
        sign: Said("unable to place a task because no container instance met all"),
        names: NOTHING,
        hint: "No container instance can take one more task. Compare what the task asks for (CPU, memory, ports, placement \
               constraints) with what the instances have left.",
    },
    KnownCause {
        code: "deployment-limits",
        sign: Said("because of the service deployment configuration"),
        names: NOTHING,
        hint: "The service's minimum healthy percent and maximum percent allow neither to stop an old task nor to start a new \
               one. Lower the first or raise the second.",
    },
    KnownCause {
        code: "ecs-throttled",
        sign: Said("operations are being throttled"),
        names: NOTHING,
        hint: "ECS itself is throttled while it starts tasks, by the account's limits. Deploy fewer services at once, or ask \
               AWS for higher limits.",
    },
    KnownCause {
        code: "spot-interrupted",
        sign: Said("SpotInterruption|Spot Task was interrupted"),
        names: NOTHING,
        hint: "AWS took Spot capacity back while the tasks started. Deploy again, or give the service a base of `FARGATE` in its \
               capacity provider strategy.",
    },
    KnownCause {
        code: "host-terminated",
        sign: Said(r"Host EC2 .*(?:stopped|terminated)|TerminationNotice"),
        names: NOTHING,
        hint: "The machine under the task was stopped. Deploy again; when it recurs, look at what the Auto Scaling group does.",
    },
    // Exit codes say least, and a container that did not end its task ends with one of the last.
    KnownCause {
        code: "command-not-found",
        sign: Exit(&[127..=127]),
        names: NOTHING,
        hint: "The command of the container{} was not found in the image. Check `command` and `entryPoint`, and whether a script \
               calls something that the image does not have.",
    },
    KnownCause {
        code: "command-not-executable",
        sign: Exit(&[126..=126]),
        names: NOTHING,
        hint: "The command of the container{} is not executable. Give the file its permission (`chmod +x`) when the image is \
               built, and check which `user` runs it.",
    },
    KnownCause {
        code: "segmentation-fault",
        sign: Exit(&[139..=139]),
        names: NOTHING,
        hint: "The program in the container{} crashed with a memory error. Look for a native library that does not fit the \
               image, such as one built for glibc on Alpine.",
    },
    KnownCause {
        code: "exited-with-error",
        sign: Exit(&[i32::MIN..=-1, 1..=136, 138..=142, 144..=i32::MAX]),
        names: NOTHING,
        hint: "The program in the container{} ended itself with an error. The last lines of its log say why; often a variable, \
               a secret or a connection is missing.",
    },
    KnownCause {
        code: "killed",
        sign: Exit(&[137..=137]),
        names: NOTHING,
        hint: "The container{} was killed. Either it ran out of memory, which its memory graph shows, or it was still running \
               `stopTimeout` seconds after it was asked to stop.",
    },
    KnownCause {
        code: "exited",
        sign: Exit(&[0..=0]),
        names: NOTHING,
        hint: "The container{} ended without an error, and a service needs containers that keep running. Check `command`; if \
               the container is meant to end, set its `essential` to false.",
    },
];
