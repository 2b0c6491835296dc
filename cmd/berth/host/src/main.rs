//! The native host of the plugin. It offers the plugin's TypeScript the Host port (src/cni/host.ts) and decides
//! nothing: what to read, whom to ask, what to print and when to exit are the bundle's business.
mod clock;
mod exchange;
mod failure;
mod files;
mod standard;

use rquickjs::{Context, Ctx, Function, Object, Result, Runtime};

/// Set by the build: the bundle of cmd/berth/main.ts.
const BUNDLE: &str = include_str!(env!("BERTH_BUNDLE"));

/// A hostile configuration may cost this much and no more.
const MEMORY_LIMIT: usize = 48 << 20;
const STACK_LIMIT: usize = 1 << 20;

/// Only the variables of the CNI specification.
fn environment(name: String) -> String {
    let allowed = name.starts_with("CNI_");
    std::env::var_os(name).filter(|_| allowed).map_or_else(String::new, |value| value.to_string_lossy().into_owned())
}

fn leave(code: i32) {
    std::process::exit(code)
}

fn offer_host(ctx: &Ctx, started_ns: u64, started_ticks: u64) -> Result<()> {
    let host = Object::new(ctx.clone())?;
    host.set("startedNs", started_ns.to_string())?;
    host.set("startedTicks", started_ticks as f64)?;
    host.set("processId", std::process::id())?;
    host.set("environment", Function::new(ctx.clone(), environment)?)?;
    host.set("readStdin", Function::new(ctx.clone(), standard::read_stdin)?)?;
    host.set("print", Function::new(ctx.clone(), standard::print)?)?;
    host.set("complain", Function::new(ctx.clone(), standard::complain)?)?;
    host.set("elapsedMs", Function::new(ctx.clone(), move || (clock::monotonic_ns() - started_ns) as f64 / 1e6)?)?;
    host.set("wallMs", Function::new(ctx.clone(), clock::wall_ms)?)?;
    host.set("sleep", Function::new(ctx.clone(), clock::sleep)?)?;
    host.set("readFile", Function::new(ctx.clone(), files::read_file)?)?;
    host.set("createFile", Function::new(ctx.clone(), files::create_file)?)?;
    host.set("appendFile", Function::new(ctx.clone(), files::append_file)?)?;
    host.set("renameFile", Function::new(ctx.clone(), files::rename_file)?)?;
    host.set("removeFile", Function::new(ctx.clone(), files::remove_file)?)?;
    host.set("makeDirectory", Function::new(ctx.clone(), files::make_directory)?)?;
    host.set("listDirectory", Function::new(ctx.clone(), files::list_directory)?)?;
    host.set("inspectFile", Function::new(ctx.clone(), files::inspect_file)?)?;
    host.set("exchange", Function::new(ctx.clone(), exchange::exchange)?)?;
    host.set("exit", Function::new(ctx.clone(), leave)?)?;
    ctx.globals().set("berthHost", host)
}

/// The bundle exits by itself. Coming back from here means that the engine failed (memory, stack).
fn run_bundle(started_ns: u64, started_ticks: u64) -> Result<()> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(MEMORY_LIMIT);
    runtime.set_max_stack_size(STACK_LIMIT);
    let context = Context::full(&runtime)?;
    context.with(|ctx| {
        offer_host(&ctx, started_ns, started_ticks)?;
        ctx.eval::<(), _>(BUNDLE)
    })?;
    while runtime.is_job_pending() {
        if runtime.execute_pending_job().is_err() {
            break;
        }
    }
    Ok(())
}

fn main() {
    let (started_ns, started_ticks) = (clock::monotonic_ns(), clock::boot_ticks());
    let outcome = run_bundle(started_ns, started_ticks);
    if !standard::has_printed() {
        let text = r#"{"cniVersion":"1.0.0","code":999,"msg":"the plugin failed inside; nothing was printed before"}"#;
        standard::print(text.to_string());
    }
    if let Err(error) = outcome {
        standard::complain(format!("berth: {error}\n"));
    }
    std::process::exit(1);
}
