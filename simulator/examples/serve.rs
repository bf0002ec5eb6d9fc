//! Serves a world on 127.0.0.1 until it is interrupted, for boto3, the AWS CLI and curiosity:
//!
//! ```text
//! cargo run -p simulator --example serve -- --port 4570 --scenario scenario.json
//! AWS_ACCESS_KEY_ID=AKIDSIMULATOR AWS_SECRET_ACCESS_KEY=simulated-secret AWS_REGION=us-east-1 \
//!     aws ecs describe-services --endpoint-url http://127.0.0.1:4570 --services web
//! ```
//!
//! Port 0, the default, takes a free one. The first line of the output is the URL. The world has a service `web` and a container
//! instance with a GPU.

use std::error::Error;
use std::io::Write;

use simulator::{ContainerInstance, Scenario, Service, Simulator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut port, mut scenario) = (0, Scenario::default());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--port" => port = value.parse()?,
            "--scenario" => scenario = serde_json::from_str(&std::fs::read_to_string(value)?)?,
            _ => return Err(format!("{argument} is neither --port nor --scenario").into()),
        }
    }
    let simulator = Simulator::new(scenario);
    simulator.add_service(Service::new("web"));
    simulator.add_container_instance("default", ContainerInstance::new("g5.xlarge").gpus(1));
    let server = simulator.serve_on(port).await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", server.url())?;
    output.flush()?;
    std::future::pending().await
}
