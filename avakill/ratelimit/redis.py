"""Budgets on a Redis server, shared by several machines. Needs `avakill[redis]`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from avakill.ratelimit.limiter import LimiterUnavailable, Taken, check_question

if TYPE_CHECKING:
    from redis import Redis

PREFIX = "avakill:limit:"
TIMEOUT_S = 1.0
_LONGEST = 2**52  # microseconds, 142 years: Lua counts in doubles


class Clock(StrEnum):
    """Whose time counts, as Lua. CALLER is for callers on one machine."""

    SERVER = "local t = redis.call('TIME') local now = t[1] * 1000000 + t[2]"
    CALLER = "local now = tonumber(ARGV[3])"


# KEYS: a sorted set of the admitted calls by time in microseconds; a hash of the rest. One script is one step on the server.
# A member is its time and its rank: among calls at one time none has expired, so the rank is not taken.
# "%.0f": Lua would write a large number with 14 digits.
_TAKE = """
local told = now
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local rest = redis.call('HMGET', KEYS[2], 'last', 'rejected', 'rejected_at')
now = math.max(now, tonumber(rest[1] or '0'))
local rejected, rejected_at = tonumber(rest[2] or '0'), tonumber(rest[3] or '0')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local used = redis.call('ZCARD', KEYS[1])
if rejected > 0 and rejected_at + window <= now then rejected = 0 end
local allowed, wait = 0, 0
if used < limit then
  local at = string.format('%.0f', now)
  redis.call('ZADD', KEYS[1], at, at .. '-' .. used)
  allowed, used = 1, used + 1
else
  rejected, rejected_at = rejected + 1, now
  wait = tonumber(redis.call('ZRANGE', KEYS[1], used - limit, used - limit, 'WITHSCORES')[2]) + window - told
end
redis.call('HSET', KEYS[2], 'last', string.format('%.0f', now), 'rejected', rejected, 'rejected_at', string.format('%.0f', rejected_at))
local kept = string.format('%.0f', math.ceil((now - told + window) / 1000) + 1000)
redis.call('PEXPIRE', KEYS[1], kept)
redis.call('PEXPIRE', KEYS[2], kept)
return {allowed, used, wait, rejected}
"""


class RedisLimiter:
    """The server's clock counts, in microseconds, so that machines whose clocks differ share one budget; `now_ns` is not used.

    A call whose answer is lost on the way may be counted twice, never not at all. The server must not evict
    (`maxmemory-policy noeviction`, its default), and what it forgets in a crash is a budget anew: see `appendonly`.
    """

    def __init__(self, server: str | Redis, *, clock: Clock = Clock.SERVER, prefix: str = PREFIX) -> None:
        self._client = _connect(server) if isinstance(server, str) else server
        self._prefix = prefix
        self._script = self._client.register_script(clock + _TAKE)

    def take(self, key: str, max_calls: int, window_ns: int, now_ns: int) -> Taken:
        """As `Limiter.take`; one whole number of microseconds is the least that a window is."""
        from redis.exceptions import RedisError

        check_question(max_calls, window_ns, now_ns)
        window = min(-(-window_ns // 1000), _LONGEST)
        name = f"{self._prefix}{{{key}}}"  # in braces: both keys are on one node of a cluster
        try:
            told = self._script([name, f"{name}:rest"], [max_calls, window, now_ns // 1000])
            allowed, used, wait, rejected = (int(number) for number in told)
        except (RedisError, OSError, ValueError, TypeError) as fault:
            raise LimiterUnavailable(f"the Redis server cannot be used: {fault}") from None
        return Taken(allowed == 1, used, wait * 1000, rejected)

    def close(self) -> None:
        self._client.close()


def _connect(url: str) -> Redis:
    """A client that waits at most twice the timeout. Raises LimiterUnavailable."""
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise LimiterUnavailable("Redis needs `avakill[redis]`") from None
    try:
        return Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 1))
    except ValueError as fault:
        raise LimiterUnavailable(f"no address of a Redis server: {fault}") from None
