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

/// A whole number, or a decimal one of a unit that is 1024 of them; parts of one are dropped.
fn amount(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else { return text.parse().ok() };
    let number = number.trim();
    let is_decimal = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let amount = number.parse::<f64>().ok().filter(|_| is_decimal)? * 1024.0;
    // Through its text, because a cast would turn any float into some number.
    amount.floor().to_string().parse().ok().filter(|amount| *amount > 0)
}

/// CPU units, then the memory that goes with them: least, most, and step, in MiB.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size>
const FARGATE_SIZES: [(u32, u32, u32, u32); 7] = [
    // 512 MiB and then whole GiB: the one row with a shorter first step.
    (256, 512, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// What Fargate says to a pair of CPU and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FargateSize {
    /// It exists.
    Exists,
    /// It is larger than all that were known when this was written.
    Unknown,
    /// There is no such CPU; these exist.
    NoSuchCpu(String),
    /// There is such a CPU, and it comes with this much memory.
    NoSuchMemory(String),
}

/// Whether Fargate has this pair.
pub(super) fn fargate_size(cpu: u32, memory: u32) -> FargateSize {
    if FARGATE_SIZES.last().is_some_and(|(largest, ..)| cpu > *largest) {
        return FargateSize::Unknown;
    }
    let Some((_, least, most, step)) = FARGATE_SIZES.into_iter().find(|(size, ..)| *size == cpu) else {
        let sizes: Vec<String> = FARGATE_SIZES.iter().map(|(size, ..)| size.to_string()).collect();
        return FargateSize::NoSuchCpu(sizes.join(", "));
    };
    let in_step = memory == least || memory.is_multiple_of(step);
    if (least..=most).contains(&memory) && in_step {
        FargateSize::Exists
    } else {
        FargateSize::NoSuchMemory(format!("{least} to {most} MiB in steps of {step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_every_form_that_ecs_takes() {
        for (text, units) in [
            ("256", Some(256)),
            (" 1024 ", Some(1024)),
            ("0.25 vCPU", Some(256)),
            (".25 vcpu", Some(256)),
            ("1 vCPU", Some(1024)),
            ("16vCPU", Some(16_384)),
            (".1 vCPU", Some(102)),
            ("0.0001 vCPU", None),
            ("99999999999 vCPU", None),
            ("1 GB", None),
            ("-1 vCPU", None),
            ("vCPU", None),
            ("1e3 vCPU", None),
            ("", None),
        ] {
            assert_eq!(cpu_units(text), units, "{text}");
        }
        for (text, units) in [("512", Some(512)), ("1 GB", Some(1024)), ("0.5GB", Some(512)), ("30 gb", Some(30_720))] {
            assert_eq!(mebibytes(text), units, "{text}");
        }
    }

    #[test]
    fn fargate_has_the_pairs_of_the_documentation() {
        for (cpu, memory) in [
            (256, 512),
            (256, 1024),
            (256, 2048),
            (1024, 3072),
            (4096, 30_720),
            (8192, 16_384),
            (8192, 20_480),
            (16_384, 122_880),
        ] {
            assert_eq!(fargate_size(cpu, memory), FargateSize::Exists, "{cpu} {memory}");
        }
        for (cpu, memory) in
            [(256, 256), (256, 1536), (256, 4096), (512, 512), (4096, 31_744), (8192, 17_408), (16_384, 36_864)]
        {
            assert!(matches!(fargate_size(cpu, memory), FargateSize::NoSuchMemory(_)), "{cpu} {memory}");
        }
        assert!(matches!(fargate_size(300, 512), FargateSize::NoSuchCpu(_)));
        assert_eq!(fargate_size(32_768, 65_536), FargateSize::Unknown);
    }
}
