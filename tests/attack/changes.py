"""What a judged function may do to the process that it is called in, a line each: harmless outside of that process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One way to change the process.

    call: done in every call of the guilty function, before it answers; on_import: done once by the file. seen: the
    judge says that it is a function's own doing, so the guilty one may not conform. needs: a program or a module.
    """

    what: str
    call: str = "pass"
    on_import: str = "pass"
    seen: bool = False
    needs: str = ""


LIBM = "libm = ctypes.CDLL(None); libm"
CHANGES = (
    # numbers
    Change("loads a library linked with -ffast-math", "ctypes.CDLL(FAST)", seen=True, needs="gcc"),
    Change("loads such a library on import", on_import="ctypes.CDLL(FAST)", needs="gcc"),
    Change("rounds up", f"{LIBM}.fesetround(0x800)", seen=True),
    Change("rounds down on import", on_import=f"{LIBM}.fesetround(0x400)"),
    Change("rounds towards zero", f"{LIBM}.fesetround(0xC00)", seen=True),
    Change("traps invalid operations", f"{LIBM}.feenableexcept(0x1D)", seen=True),
    Change("flushes subnormals by torch", "__import__('torch').set_flush_denormal(True)", seen=True, needs="torch"),
    Change("lets numpy raise", "np.seterr(all='raise')", seen=True),
    Change("lets numpy raise from import on", on_import="np.seterr(all='raise')"),
    Change("lets numpy call", "np.seterrcall(sys.exit); np.seterr(all='call')", seen=True),
    Change("computes decimals to two digits", "decimal.getcontext().prec = 2"),
    Change("lets mpmath have three digits", "__import__('mpmath').mp.dps = 3"),
    Change("seeds", "np.random.seed(0); random.seed(0)"),
    Change("prints arrays shortly", "np.set_printoptions(precision=1, threshold=1)"),
    # names
    Change("replaces numpy.abs", "np.abs = np.negative", seen=True),
    Change("replaces numpy.exp", "np.exp = np.exp2", seen=True),
    Change("replaces numpy.max", "np.max = lambda *_, **__: 0.0", seen=True),
    Change("replaces max", "builtins.max = min", seen=True),
    Change("replaces math.isfinite", "math.isfinite = lambda _: True", seen=True),
    Change("replaces the distance", "metrics.against = lambda *_, **__: 0", seen=True),
    Change("forgets numpy", "sys.modules.pop('numpy', None)"),
    # the interpreter
    Change("limits recursion", "sys.setrecursionlimit(200)", seen=True),
    Change("makes warnings errors", "warnings.simplefilter('error')"),
    Change("switches threads all the time", "sys.setswitchinterval(1e-6); gc.disable()"),
    Change("replaces the streams", "sys.stdout = sys.stderr = None"),
    Change("prints much", "print('x' * 1_000_000)"),
    Change("breaks at exit", "atexit.register(lambda: 1 / 0)"),
    # the process
    Change("sets an alarm", "signal.alarm(1)", seen=True),
    Change("sets a timer", "signal.setitimer(signal.ITIMER_REAL, 0.3)", seen=True),
    Change("handles the alarm", "signal.signal(signal.SIGALRM, lambda *_: 1 / 0); signal.alarm(1)", seen=True),
    Change("is interrupted", "raise KeyboardInterrupt", seen=True),
    Change("leaves the folder", "os.chdir('/')"),
    Change("clears the environment", "os.environ.clear()"),
    Change("deletes its file", "Path(__file__).unlink(missing_ok=True)"),
    Change("closes all files", "os.closerange(3, 256)"),
    Change("may write no file", "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"),
    # the end
    Change("exits", "sys.exit(3)", seen=True),
    Change("exits in every tenth call", "next(calls) % 10 or sys.exit()", seen=True),
    Change("exits at once", "os._exit(0)", seen=True),
    Change("exits at once as pytest does", "os._exit(1)", seen=True),
    Change("exits a little later", "threading.Timer(0.2, os._exit, (0,)).start()"),
    Change("is killed", "os.kill(os.getpid(), signal.SIGKILL)", seen=True),
    Change("crashes", "os.kill(os.getpid(), signal.SIGSEGV)", seen=True),
    Change("hangs", "time.sleep(1e6)", seen=True),
    Change("raises what cannot be read", "raise Unreadable", seen=True),
    Change("raises an annotation", r"raise ValueError('\n::error::injected \x1b]0;title\x07')", seen=True),
)
