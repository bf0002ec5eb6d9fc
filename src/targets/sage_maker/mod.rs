//! What endpoints of Amazon SageMaker and versions of its model registry have in common: containers, their images, the metrics that
//! they are judged by, and the differences between documents.

pub(in crate::targets) mod container;
pub(in crate::targets) mod difference;
pub(in crate::targets) mod gates;
pub(in crate::targets) mod images;
