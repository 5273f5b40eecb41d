//! The rights a child takes away from itself, before it sees a provider's byte.
//!
//! Nothing here can fail quietly: every limit is reported as active or not, and the node
//! shows the list in `granary config` and `/readyz`.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use rlimit::Resource;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::wire::{Limit, Limits};

/// Threads of the data engine inside a child.
const THREADS: &str = "2";

/// Takes the rights away; answers what is in force. To be called while the process has one
/// thread.
pub fn apply(limits: &Limits) -> Vec<Limit> {
    fix_threads();
    let mut active = vec![
        report("environment", Ok(format!("empty; {THREADS} threads"))),
        report("not dumpable", not_dumpable()),
    ];
    active.extend(resources(limits));
    active.push(report("files", landlock_all()));
    active.push(report("network and processes", seccomp_all()));
    active.push(report(
        "resident memory",
        Ok(format!(
            "{} bytes, watched by the node",
            limits.memory_bytes
        )),
    ));
    active.push(report(
        "time",
        Ok(format!("{} seconds, watched by the node", limits.seconds)),
    ));
    active
}

fn report(name: &str, means: Result<String, String>) -> Limit {
    let active = means.is_ok();
    let detail = means.unwrap_or_else(|why| why);
    Limit {
        name: name.to_owned(),
        active,
        detail,
    }
}

/// The data engine reads its number of threads from the environment at first use.
fn fix_threads() {
    for name in ["POLARS_MAX_THREADS", "RAYON_NUM_THREADS"] {
        // SAFETY: the child has one thread yet, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var(name, THREADS) };
    }
}

fn not_dumpable() -> Result<String, String> {
    // SAFETY: this prctl takes plain integers and touches no memory of ours.
    let answer = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    if answer == 0 {
        Ok("no other process of this user can read its memory".to_owned())
    } else {
        Err(std::io::Error::last_os_error().to_string())
    }
}

fn resources(limits: &Limits) -> Vec<Limit> {
    // The data segment counts what is reserved for writing, which allocators reserve in
    // large pieces: it is the hard stop behind the watched resident memory.
    let data = limits
        .memory_bytes
        .saturating_mul(2)
        .saturating_add(2 << 30);
    let cpu = limits.seconds.saturating_mul(2);
    [
        ("core dumps", Resource::CORE, 0),
        ("data segment", Resource::DATA, data),
        ("processor seconds", Resource::CPU, cpu),
        ("open files", Resource::NOFILE, limits.open_files),
        ("written file size", Resource::FSIZE, limits.file_bytes),
    ]
    .into_iter()
    .map(|(name, resource, value)| {
        let set = resource.set(value, value).map(|()| value.to_string());
        report(name, set.map_err(|error| error.to_string()))
    })
    .collect()
}

/// No file can be opened by name, no TCP port used, no signal sent out.
fn landlock_all() -> Result<String, String> {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    match restrict() {
        Ok(status) => match status.ruleset {
            RulesetStatus::FullyEnforced => {
                Ok("landlock denies all; seccomp denies opening".into())
            }
            RulesetStatus::PartiallyEnforced => {
                Ok("landlock denies what this kernel knows; seccomp denies opening".into())
            }
            RulesetStatus::NotEnforced => {
                Err("this kernel has no landlock; seccomp denies opening".into())
            }
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Denied calls answer an error, so that libraries which only look around go on.
fn seccomp_all() -> Result<String, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    for (rules, errno) in [(denied()?, libc::EPERM), (clone3(), libc::ENOSYS)] {
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(errno.unsigned_abs()),
            arch,
        );
        let program: BpfProgram = filter
            .and_then(TryInto::try_into)
            .map_err(|error| error.to_string())?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
    }
    Ok("seccomp denies sockets, new programs and processes, tracing, opening files".to_owned())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Without `clone3` the C library starts threads by `clone`, whose flags can be looked at.
fn clone3() -> Rules {
    both_abis(libc::SYS_clone3)
        .map(|number| (number, Vec::new()))
        .collect()
}

fn denied() -> Result<Rules, String> {
    let mut rules = Rules::new();
    for number in DENIED.iter().chain(DENIED_HERE).copied() {
        rules.extend(both_abis(number).map(|number| (number, Vec::new())));
    }
    let masked = |argument, mask: i32, value: i32| {
        SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(u64::from(mask.unsigned_abs())),
            u64::from(value.unsigned_abs()),
        )
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|error| error.to_string())
    };
    let setting = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|error| error.to_string())?;
    let conditional = [
        // Limits can be read, not changed.
        (libc::SYS_prlimit64, setting),
        // A clone that does not share the process is a new process.
        (libc::SYS_clone, masked(0, libc::CLONE_THREAD, 0)?),
        // Nothing in memory becomes code.
        (libc::SYS_mmap, masked(2, libc::PROT_EXEC, libc::PROT_EXEC)?),
        (
            libc::SYS_mprotect,
            masked(2, libc::PROT_EXEC, libc::PROT_EXEC)?,
        ),
    ];
    for (number, rule) in conditional {
        rules.extend(both_abis(number).map(|number| (number, vec![rule.clone()])));
    }
    Ok(rules)
}

/// On x86-64 most calls exist a second time, with this bit set.
fn both_abis(number: i64) -> impl Iterator<Item = i64> {
    const X32: i64 = 0x4000_0000;
    let twin = cfg!(target_arch = "x86_64").then_some(number | X32);
    std::iter::once(number).chain(twin)
}

const DENIED: &[i64] = &[
    // Network.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_setrlimit,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // Files by name.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_truncate,
    libc::SYS_chroot,
    libc::SYS_chdir,
    // The machine.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_personality,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_sethostname,
];

/// Older calls that only this architecture has.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_ioperm,
    libc::SYS_iopl,
];

#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[];
