//! What can be deployed to: a folder for each kind. Each implements the cycle's [`Target`](crate::cycle::Target). What the kinds of
//! Amazon ECS have in common is in `ecs`, and what those of Amazon SageMaker have in `sage_maker`. No target knows another, but
//! that a one-off task can run before a service.

pub mod codedeploy_service;
mod commit;
pub mod ecs;
pub mod ecs_service;
pub mod ecs_task;
mod eventually;
pub mod model_package;
mod sage_maker;
pub mod sagemaker_endpoint;
