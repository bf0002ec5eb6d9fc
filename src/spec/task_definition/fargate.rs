//! Amounts of CPU and memory, and the pairs of them that Fargate has.

/// CPU units of `256`, `0.25 vCPU`, `.25vcpu`.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html#ECS-RegisterTaskDefinition-request-cpu>
pub(in crate::spec) fn cpu_units(text: &str) -> Option<u32> {
    amount(text, "vcpu")
}

/// MiB of `512`, `1 GB`, `0.5gb`.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html#ECS-RegisterTaskDefinition-request-memory>
pub(in crate::spec) fn mebibytes(text: &str) -> Option<u32> {
    amount(text, "gb")
}

/// A whole number, or a decimal one of a unit that is 1024 of them.
fn amount(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else { return text.parse().ok() };
    let number = number.trim();
    let decimal = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let amount = number.parse::<f64>().ok().filter(|_| decimal)? * 1024.0;
    // A float turns into text without an exponent, so this is exact where it is whole, and nothing where it is not.
    amount.to_string().parse().ok()
}
