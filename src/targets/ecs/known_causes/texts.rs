//! What ECS says, with the code and a word of the hint that it has to get. Texts as they were met, in the documentation,
//! in amazon-ecs-agent and in issues, with other names in them.

/// Reasons of tasks that stopped.
pub(super) const OF_TASKS: &[(&str, &str, &str)] = &[
    (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor \
         matching platform 'linux/amd64'",
        "wrong-platform",
        "`linux/amd64`",
    ),
    // aws/containers-roadmap#1120
    (
        "CannotPullContainerError: failed to find a descriptor for platform {linux/amd64}",
        "wrong-platform",
        "`linux/amd64`",
    ),
    // hashicorp/consul-ecs#64
    (
        "CannotPullContainerError failed to find a descriptor for platform 0xc0004d52c0 0xc0004d5320",
        "wrong-platform",
        "task's platform.",
    ),
    (
        "CannotPullContainerError: Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries",
        "wrong-platform",
        "`linux/arm64/v8`",
    ),
    (
        "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code \
         https://registry-1.docker.io/v2/library/nginx/manifests/sha256:1f: 429 Too Many Requests - Server message: toomanyrequests: \
         You have reached your pull rate limit",
        "image-rate-limited",
        "`repositoryCredentials`",
    ),
    (
        "CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device",
        "disk-full",
        "`ephemeralStorage`",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/shop/web:2.1: failed \
         to do request: Head \"https://registry-1.docker.io/v2/shop/web/manifests/2.1\": dial tcp 34.205.13.154:443: i/o timeout",
        "registry-unreachable",
        "NAT gateway",
    ),
    (
        "CannotPullContainerError: API error (500): Get https://111122223333.dkr.ecr.us-east-1.amazonaws.com/v2/: net/http: request \
         canceled while waiting for connection",
        "registry-unreachable",
        "`ecr.dkr`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: \
         There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send \
         request failed caused by: Post \"https://api.ecr.us-east-1.amazonaws.com/\": dial tcp 44.213.79.86:443: i/o timeout",
        "registry-unreachable",
        "no route to the registry",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed",
        "registry-unreachable",
        "no route to the registry",
    ),
    (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to pull and unpack image \
         \"111122223333.dkr.ecr.us-east-1.amazonaws.com/web:2\": failed to resolve reference: unexpected status code 403 Forbidden",
        "image-access-denied",
        "`111122223333.dkr.ecr.us-east-1.amazonaws.com/web:2`",
    ),
    // aws/amazon-ecs-agent#2343
    (
        "CannotPullContainerError: Error response from daemon: pull access denied for elasticsearch/elasticsearch, repository does not \
         exist or may require 'docker login'",
        "image-access-denied",
        "`elasticsearch/elasticsearch`",
    ),
    (
        "CannotPullContainerError: The task can’t pull the image. Check that the role has the permissions to pull images from the \
         registry.",
        "image-access-denied",
        "The image may not be pulled",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         ecr registry auth: service call has been retried 3 time(s): AccessDeniedException: User: \
         arn:aws:sts::111122223333:assumed-role/web/1f is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        "image-access-denied",
        "execution role",
    ),
    // Cut, as Fargate does: what remains names secrets, and is not about them.
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::111122223333:assum...",
        "image-access-denied",
        "execution role",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
         111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-05: \
         111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-05: not found",
        "image-missing",
        "`111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web:2026-01-05`",
    ),
    (
        "CannotPullContainerError: Error response from daemon: manifest for elasticsearch:latest not found",
        "image-missing",
        "`elasticsearch:latest`",
    ),
    // Fargate cuts long messages.
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/shop/web:2",
        "image-not-pulled",
        "`docker.io/shop/web:2`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets Manager did not contain json key \
         app_definition_id",
        "secret-key-missing",
        "`app_definition_id`",
    ),
    // GiamPy5/terraform-aws-directus#10
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         secret from asm: service call has been retried 1 time(s): failed to fetch secret \
         arn:aws:secretsmanager:eu-central-1:111122223333:secret:web-EaPYTy from secrets manager: AccessDeniedException: Access to KMS \
         is not allowed status code: 400, request id: a87a66d9",
        "secret-access-denied",
        "`arn:aws:secretsmanager:eu-central-1:111122223333:secret:web-EaPYTy`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User: \
         arn:aws:sts::111122223333:assumed-role/ecsTaskExecutionRole/7cb7 is not authorized to perform: ssm:GetParameters on resource: \
         arn:aws-cn:ssm:cn-north-1:111122223333:parameter/shop/KEY because no identity-based policy allows it",
        "secret-access-denied",
        "`arn:aws-cn:ssm:cn-north-1:111122223333:parameter/shop/KEY`",
    ),
    // Releem/releem-agent#195
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         secret from asm: service call has been retried 5 time(s): failed to fetch secret \
         arn:aws:secretsmanager:us-west-2:111122223333:secret:web-1 from secrets manager: RequestCanceled: request context canceled \
         caused by: context deadline exceeded. Please check your task network configuration.",
        "secret-unreachable",
        "`secretsmanager`",
    ),
    (
        "ResourceInitializationError: The task cannot pull secrets from AWS Systems Manager Parameter Store. Check your network \
         connection between the task and AWS Systems Manager.",
        "secret-unreachable",
        "`ssm`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: There is a connection \
         issue between the task and AWS Secrets Manager. Check your task network configuration.",
        "secret-unreachable",
        "no route to its secrets",
    ),
    // amazon-ecs-agent, asm.go
    (
        "ResourceInitializationError: ResourceNotFoundException: The task can't retrieve the secret with ARN \
         'arn:aws:secretsmanager:us-east-1:111122223333:secret:web-1' from AWS Secrets Manager. Check whether the secret exists in the \
         specified Region",
        "secret-missing",
        "`arn:aws:secretsmanager:us-east-1:111122223333:secret:web-1`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
         secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /shop/web/api-key",
        "secret-missing",
        "`/shop/web/api-key`",
    ),
    // seth-xdam in aws-samples/keycloak-on-aws#222
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to get \
         registry auth from asm: service call has been retried 5 time(s): asm fetching secret from the service for ...",
        "secret-or-registry-login",
        "could not be fetched",
    ),
    (
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream: service call has been \
         retried 5 time(s): RequestCanceled: request context canceled",
        "environment-file",
        "`environmentFiles`",
    ),
    // civiform/civiform#7648
    (
        "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the \
         task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : \
         signal: killed",
        "logs-unreachable",
        "`logs`",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create \
         Cloudwatch log stream: AccessDeniedException: User is not authorized to perform: logs:CreateLogStream : exit status 1",
        "logs-access-denied",
        "`logs:CreateLogStream`",
    ),
    // airbnb/ottr#7
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create \
         Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
        "log-group-missing",
        "`awslogs-create-group`",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: splunk: splunk-url is expected : exit status 1",
        "log-driver",
        "`logConfiguration`",
    ),
    // docker-archive/compose-cli#1490
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: Connection reset by \
         peer : unsuccessful EFS utils command execution; code: 32",
        "efs-not-mounted",
        "2049",
    ),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to resolve \
         \"fs-06642d00e4ec726.efs.ap-northeast-1.amazonaws.com\" - check that your file system ID is correct",
        "efs-not-mounted",
        "`fs-06642d00e4ec726`",
    ),
    // The texts of capacity, when a task tells them.
    (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet \
         'subnet-0a1b2c3d': InsufficientFreeAddressesInSubnet",
        "subnet-full",
        "`subnet-0a1b2c3d`",
    ),
    ("Timeout waiting for network interface provisioning to complete.", "network-interface", "security groups"),
    ("Your Spot Task was interrupted.", "spot-interrupted", "Spot"),
    ("Host EC2 (instance i-0123456789) terminated.", "host-terminated", "machine"),
    ("Task failed container health checks", "container-health-check", "`startPeriod`"),
    (
        "Task failed ELB health checks in (target-group \
         arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-tg2/1c38bf81f6e9e283)",
        "load-balancer-health-check",
        "`web-tg2`",
    ),
];

/// Texts that stand at a container.
pub(super) const OF_CONTAINERS: &[(&str, &str, &str)] = &[
    ("OutOfMemoryError: Container killed due to memory usage", "out-of-memory", "`web`"),
    // aws/amazon-ecs-agent#3021
    (
        "CannotStartContainerError: Error response from daemon: OCI runtime create failed: container_linux.go:380: starting container \
         process caused: container init was OOM-killed (memory limit too low?): unknown",
        "out-of-memory",
        "`memory`",
    ),
    (
        "CannotStartContainerError: Error response from daemon: failed to create task for container: exec /app/server: exec format error",
        "wrong-platform",
        "`docker build --platform`",
    ),
    (
        "CannotStartContainerError: Error response from daemon: failed to create shim: OCI runtime create failed: runc create failed: \
         unable to start container process: exec: \"gunicorn\": executable file not found in $PATH: unknown",
        "command-not-found",
        "`web`",
    ),
    // aws/amazon-ecs-agent#2954
    (
        "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: OCI runtime create \
         failed: starting container process caused: exec: \"/opt/run.sh\": stat /opt/run.sh: no such file or directory: unknown",
        "command-not-found",
        "`entryPoint`",
    ),
    (
        "CannotStartContainerError: Error response from daemon: OCI runtime create failed: starting container process caused: exec: \
         \"/run.sh\": permission denied: unknown",
        "command-not-executable",
        "`chmod +x`",
    ),
    (
        "CannotStartContainerError: Error response from daemon: could not select device driver \"nvidia\" with capabilities: [[gpu]]",
        "gpu-unavailable",
        "GPU",
    ),
    (
        "CannotStartContainerError: API error (500): driver failed programming external connectivity on endpoint web: Bind for \
         0.0.0.0:80 failed: port is already allocated",
        "port-taken",
        "`hostPort`",
    ),
    (
        "CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create \
         failed: error during container init: error setting rlimits for ready process: error setting rlimit type 8: operation not \
         permitted: unknown",
        "ulimit",
        "`ulimits`",
    ),
    (
        "CannotCreateContainerError: Error response from daemon: invalid mount config for type \"bind\": bind source path does not \
         exist: /data",
        "volume",
        "`mountPoints`",
    ),
    (
        // stepfunctions2processing#5
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log \
         stream: ResourceNotFoundException: The specified log group does not exist.",
        "log-group-missing",
        "`awslogs-group`",
    ),
    (
        "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: <reason>",
        "container-start-timeout",
        "`web`",
    ),
    ("CannotStartContainerError: failed to get container status: <reason>", "container-not-started", "`web`"),
];

/// Messages of a service's event log.
pub(super) const OF_EVENTS: &[(&str, &str, &str)] = &[
    // aws-samples/aws-modern-application-workshop#88
    (
        "(service web) failed to launch a task with (error ECS was unable to assume the role \
         'arn:aws:iam::111122223333:role/web-task' that was provided for this task. Please verify that the role being passed has the \
         proper trust relationship and permissions and that your IAM user has permissions to pass this role.).",
        "role-not-assumable",
        "`arn:aws:iam::111122223333:role/web-task`",
    ),
    (
        "(service web) (port 8080) is unhealthy in (target-group \
         arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1c38) due to (reason Request timed out)",
        "port-not-answering",
        "`8080`",
    ),
    (
        "(service web) (task 1f0c) (port 8080) is unhealthy in (target-group \
         arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1c38) due to (reason Health checks failed with these \
         codes: [404])",
        "load-balancer-status",
        "`404`",
    ),
    // aws/copilot-cli#3772
    (
        "(service web) (port 5005) is unhealthy in (target-group \
         arn:aws:elasticloadbalancing:ap-south-1:111122223333:targetgroup/corpd-Targe-12YF/e938) due to (reason Health checks failed).",
        "load-balancer-health-check",
        "`corpd-Targe-12YF`",
    ),
    (
        "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a \
         different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        "fargate-capacity",
        "Availability Zones",
    ),
    (
        "(service web) was unable to place a task. Reason: You’ve reached the limit on the number of vCPUs you can run concurrently.",
        "quota",
        "Service Quotas",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. Reason: No Container \
         Instances were found in your cluster.",
        "no-container-instances",
        "Auto Scaling group",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         (container-instance b1a73168) has insufficient memory available.",
        "no-memory-left",
        "memory",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         (container-instance b1a73168) has insufficient CPU units available.",
        "no-cpu-left",
        "CPU",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         (container-instance b1a73168) encountered error \"RESOURCE:GPU\".",
        "no-gpu-left",
        "GPU",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         (container-instance b1a73168) is already using a port required by your task.",
        "port-taken",
        "`hostPort`",
    ),
    // aws/aws-app-mesh-examples#342
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         container-instance acf43593 encountered error \"RESOURCE:ENI\".",
        "no-network-interface-left",
        "`awsvpcTrunking`",
    ),
    // compose-x/ecs_composex#731
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         container-instance acf43593 is missing an attribute required by your task.",
        "attribute-missing",
        "`requiresAttributes`",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching \
         container-instance acf43593 encountered error \"AGENT\".",
        "agent-disconnected",
        "agent",
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements.",
        "no-capacity",
        "placement constraints",
    ),
    (
        "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update \
         the minimumHealthyPercent or maximumPercent value and try again.",
        "deployment-limits",
        "maximum percent",
    ),
    ("(service web) operations are being throttled. Will try again later.", "ecs-throttled", "limits"),
];

/// Exit codes of the container that ended its task.
pub(super) const OF_EXITS: &[(i32, &str, &str)] = &[
    (127, "command-not-found", "`web`"),
    (126, "command-not-executable", "`web`"),
    (139, "segmentation-fault", "`web`"),
    (1, "exited-with-error", "`web`"),
    (-1, "exited-with-error", "`web`"),
    (137, "killed", "`stopTimeout`"),
    (0, "exited", "`essential`"),
];
