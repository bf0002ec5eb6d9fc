//! What can be deployed to: a folder for each kind. Each implements the cycle's [`Target`](crate::cycle::Target). What the kinds of
//! Amazon SageMaker have in common is in `sage_maker`.

pub mod codedeploy_service;
mod commit;
pub mod ecs_service;
pub mod ecs_task;
pub mod model_package;
mod sage_maker;
pub mod sagemaker_endpoint;
