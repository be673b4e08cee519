"""The benchmarks with Python's asyncio, and with uvloop under it.

Installed as GROUP_asyncio and GROUP_uvloop beside libbench.so, which holds
main(), the clock and the clients of all programs; see bench.h. Callbacks and
protocols are used where they are faster than streams.
"""
import asyncio
import ctypes
import os
import socket
import sys
import threading
import traceback

program = os.path.abspath(sys.argv[0])
group, subject = os.path.basename(program).rsplit("_", 1)
lib = ctypes.CDLL(os.path.join(os.path.dirname(program), "libbench.so"))
lib.bench_report.argtypes = (ctypes.c_char_p, ctypes.c_double, ctypes.c_char_p)
lib.bench_memory_held.restype = ctypes.c_double
lib.bench_random.restype = ctypes.c_uint64

WALL, CPU, OWN = range(3)
FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_long, ctypes.c_long)


class Bench(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("metric", ctypes.c_int),
        ("size", ctypes.c_long), ("count", ctypes.c_long),
        ("counted", ctypes.c_long), ("prepare", FUNCTION), ("run", FUNCTION),
    ]


def guarded(function):
    """An error ends the program; ctypes would go on."""
    def call(size, count):
        try:
            function(size, count)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    return FUNCTION(call)


def nothing(size, count):
    pass


loop = None
left = 0


def open_loop():
    global loop
    if subject == "uvloop":
        import uvloop
        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)


def run_until_stopped(count):
    global left
    left = count
    loop.run_forever()


# ---- resume: generators -----------------------------------------------------

def yield_1():
    value = 0
    while True:
        value += 1
        yield value


def yield_4():
    value = 0
    while True:
        value += 1
        yield value
        value += 1
        yield value
        value += 1
        yield value
        value += 1
        yield value


def resume(generator):
    def run(size, count):
        it = generator()
        for _ in range(count):
            next(it)
    return run


# ---- switch -----------------------------------------------------------------

tasks = []


async def yield_for_ever():
    global left
    while True:
        left -= 1
        if left == 0:
            loop.stop()
        await asyncio.sleep(0)


def prepare_switch(size, count):
    open_loop()
    for _ in range(size):
        tasks.append(loop.create_task(yield_for_ever()))
    run_until_stopped(size)


def run_switch(size, count):
    run_until_stopped(count)


# ---- spawn ------------------------------------------------------------------

async def child(value):
    return value


async def parent(count):
    total = 0
    for _ in range(count):
        total += await loop.create_task(child(1))
    assert total == count


def prepare_loop(size, count):
    open_loop()


def run_spawn(size, count):
    loop.run_until_complete(parent(count))


# ---- deep -------------------------------------------------------------------

async def yield_below(levels):
    if levels > 1:
        await yield_below(levels - 1)
    await yield_for_ever()


async def answer_below(levels):
    if levels == 1:
        return 1
    return await answer_below(levels - 1)


async def call_for_ever(levels, count):
    total = 0
    for _ in range(count):
        total += await answer_below(levels)
    assert total == count


def prepare_deep(size, count):
    open_loop()
    # The innermost one, which yields, is a level itself.
    deepest = yield_below(size - 1) if size > 1 else yield_for_ever()
    tasks.append(loop.create_task(deepest))
    run_until_stopped(1)


def run_call(size, count):
    loop.run_until_complete(call_for_ever(size, count))


# ---- sleep ------------------------------------------------------------------

awake = 0


async def sleeper(delay):
    global awake
    await asyncio.sleep(delay)
    awake += 1


def spawn_sleepers(count):
    open_loop()
    for _ in range(count):
        delay = (300000 + lib.bench_random() % 500000) * 1e-6
        tasks.append(loop.create_task(sleeper(delay)))


def run_memory(size, count):
    before = lib.bench_memory_held()
    spawn_sleepers(size)
    loop.run_until_complete(asyncio.sleep(0))
    held = lib.bench_memory_held() - before
    lib.bench_report(b"memory", held / size, b"B")


def prepare_sleep(size, count):
    spawn_sleepers(count)


def run_sleep(size, count):
    async def all_of_them():
        for task in tasks:
            await task
    loop.run_until_complete(all_of_them())
    assert awake == count


# ---- timeout ----------------------------------------------------------------

async def ready():
    return 0


async def ready_in_time(count):
    for _ in range(count):
        async with asyncio.timeout(30):
            await ready()


async def yield_in_time(count):
    for _ in range(count):
        async with asyncio.timeout(30):
            await asyncio.sleep(0)


async def move_later(count):
    async with asyncio.timeout(30) as scope:
        for _ in range(count):
            scope.reschedule(loop.time() + 30)


def prepare_timeout(size, count):
    open_loop()

    async def other(delay):
        await asyncio.sleep(delay)
    for _ in range(10000):
        delay = 30 + lib.bench_random() % 30000 * 1e-3
        tasks.append(loop.create_task(other(delay)))
    loop.run_until_complete(asyncio.sleep(0))


def timeouts(worker):
    def run(size, count):
        loop.run_until_complete(worker(count))
    return run


# ---- timers: callbacks -------------------------------------------------------

handles = []


def never():
    raise AssertionError("no timeout")


def set_timer():
    delay = 30 + (lib.bench_random() & 0x7fff) * 1e-3
    return loop.call_later(delay, never)


def prepare_churn(size, count):
    open_loop()
    handles.extend(set_timer() for _ in range(size))


def run_churn(size, count):
    async def churn():
        for i in range(count):
            handles[i % size].cancel()
            handles[i % size] = set_timer()
            if i % size == size - 1:
                await asyncio.sleep(0)
    loop.run_until_complete(churn())


def wake(size, rounds):
    global left
    left -= 1
    if left == 0:
        loop.stop()
    if rounds > 0:
        spread = size // 2 if size > 2000 else 1000
        loop.call_later((1000 + lib.bench_random() % spread) * 1e-6, wake,
                        size, rounds - 1)


def run_fire(size, count):
    for _ in range(size):
        loop.call_soon(wake, size, count // size)
    run_until_stopped(size + count // size * size)


# ---- pipe: callbacks --------------------------------------------------------

PIPES = 100
writing = [0] * PIPES


def arrived(source, target):
    global left
    os.write(target, os.read(source, 8))
    left -= 1
    if left <= 0:
        loop.stop()


def prepare_pipe(size, count):
    open_loop()
    ends = [os.pipe2(os.O_NONBLOCK) for _ in range(PIPES)]
    for i in range(PIPES):
        source, target = ends[i][0], ends[(i + 1) % PIPES][1]
        loop.add_reader(source, arrived, source, target)
    writing[0] = ends[0][1]


def run_pipe(size, count):
    os.write(writing[0], b"x")
    run_until_stopped(count)


# ---- echo: a protocol -------------------------------------------------------

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, error):
        global left
        left -= 1
        if left == 0:
            loop.stop()


def prepare_echo(size, count):
    listener = socket.socket(fileno=lib.clients_start(size, count))
    open_loop()
    tasks.append(loop.run_until_complete(
        loop.create_server(Echo, sock=listener, backlog=4096)))


def run_echo(size, count):
    run_until_stopped(size)
    lib.clients_end()


# ---- http: a protocol -------------------------------------------------------

ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
          b"Content-Length: 14\r\n\r\nHello, world!\n")


class Hello(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.request = b""

    def data_received(self, data):
        self.request += data
        if self.request.endswith(b"\r\n\r\n"):
            self.transport.write(ANSWER)
            if self.request.startswith(b"GET /end"):
                loop.stop()
            self.request = b""


def prepare_http(size, count):
    listener = socket.socket(fileno=lib.http_start(count))
    open_loop()
    tasks.append(loop.run_until_complete(
        loop.create_server(Hello, sock=listener, backlog=4096)))


def run_http(size, count):
    loop.run_forever()
    lib.http_end()


# ---- wake: two loops in two threads -----------------------------------------

def run_wake(size, count):
    other = asyncio.new_event_loop()
    if subject == "uvloop":
        import uvloop
        other = uvloop.new_event_loop()
    left_of = {loop: count // 2, other: count // 2}

    def hop(mine, its):
        left_of[mine] -= 1
        its.call_soon_threadsafe(hop, its, mine)
        if left_of[mine] == 0:
            mine.stop()

    def run_other():
        lib.bench_pin(1)
        other.run_forever()

    thread = threading.Thread(target=run_other)
    thread.start()
    other.call_soon_threadsafe(hop, other, loop)
    loop.run_forever()
    thread.join()


# ---- the table --------------------------------------------------------------
# Fewer operations than the C programs do, and a tenth of the sleepers: each of
# these takes longer. Instructions are counted for the first three groups only,
# for valgrind takes its time with an interpreter.

benches = {
    "resume": [
        ("resume-1", WALL, 1, 1000000, 20000, nothing, resume(yield_1)),
        ("resume-4", WALL, 1, 1000000, 20000, nothing, resume(yield_4)),
    ],
    "switch": [
        ("switch-2", WALL, 2, 100000, 10000, prepare_switch, run_switch),
        ("switch-100", WALL, 100, 100000, 10000, prepare_switch, run_switch),
        ("switch-10000", WALL, 10000, 100000, 0, prepare_switch, run_switch),
    ],
    "spawn": [
        ("spawn-join", WALL, 1, 50000, 5000, prepare_loop, run_spawn),
    ],
    "deep": [
        ("deep-1", WALL, 1, 100000, 0, prepare_deep, run_switch),
        ("deep-4", WALL, 4, 100000, 0, prepare_deep, run_switch),
        ("deep-16", WALL, 16, 100000, 0, prepare_deep, run_switch),
        ("deep-64", WALL, 64, 50000, 0, prepare_deep, run_switch),
        ("deep-call-1", WALL, 1, 500000, 0, prepare_loop, run_call),
        ("deep-call-64", WALL, 64, 10000, 0, prepare_loop, run_call),
    ],
    "sleep": [
        ("sleep-memory", OWN, 100000, 1, 0, nothing, run_memory),
        ("sleep-1000000", CPU, 100000, 100000, 0, prepare_sleep, run_sleep),
    ],
    "timeout": [
        ("timeout-ready", WALL, 1, 50000, 0, prepare_timeout,
         timeouts(ready_in_time)),
        ("timeout-yield", WALL, 1, 50000, 0, prepare_timeout,
         timeouts(yield_in_time)),
        ("timeout-later", WALL, 1, 50000, 0, prepare_timeout,
         timeouts(move_later)),
    ],
    "timers": [
        ("churn-%d" % size, WALL, size, 50000, 0, prepare_churn, run_churn)
        for size in (10, 100, 1000, 10000, 100000)
    ] + [
        ("fire-%d" % size, CPU, size, count, 0, prepare_loop, run_fire)
        for size, count in ((10, 500), (100, 5000), (1000, 20000),
                            (10000, 20000), (100000, 100000))
    ],
    "pipe": [
        ("pipe-ring", WALL, PIPES, 50000, 0, prepare_pipe, run_pipe),
    ],
    "echo": [
        ("echo-1", OWN, 1, 6000, 0, prepare_echo, run_echo),
        ("echo-64", OWN, 64, 50000, 0, prepare_echo, run_echo),
        ("echo-1000", OWN, 1000, 50000, 0, prepare_echo, run_echo),
        ("echo-10000", OWN, 10000, 50000, 0, prepare_echo, run_echo),
    ],
    "cores": [
        ("wake-hop", WALL, 1, 5000, 0, prepare_loop, run_wake),
    ],
    "http": [
        ("http-hello", OWN, 1, 2000, 0, prepare_http, run_http),
    ],
}.get(group, [])
if group in ("pipe", "echo", "cores", "http") and not sys.platform.startswith("linux"):
    benches = []  # as in the C programs


def main():
    table = (Bench * (len(benches) + 1))()
    for entry, bench in zip(table, benches):
        name, metric, size, count, counted, prepare, run = bench
        entry.name = name.encode()
        entry.metric, entry.size = metric, size
        entry.count, entry.counted = count, counted
        entry.prepare, entry.run = guarded(prepare), guarded(run)
    arguments = [argument.encode() for argument in sys.argv]
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    status = lib.bench_main(table, len(arguments), argv)
    ctypes.CDLL(None).fflush(None)
    os._exit(status)  # Ten thousand tasks are not taken apart one by one.


main()
