//! The world as the real SDK sees it.

#[cfg(test)]
mod alarm;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod client;
#[cfg(test)]
mod code_deploy;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod images;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod loopback;
mod model_package;
#[cfg(test)]
mod one_off;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod strategies;
