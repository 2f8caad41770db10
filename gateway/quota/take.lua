-- Takes ARGV[1] calls (1, or 0 to look) from each bucket of KEYS, or from none.
-- For each key ARGV holds how many calls its bucket holds and how many
-- microseconds lie between two. Answers for each up to the first that is full:
-- calls left, microseconds until it is as at first, microseconds until one more fits.
--
-- A bucket is "clear gap": when it will be as at first, in microseconds since
-- 1970 by this server's clock. That is below 2^53, so that doubles hold it; but
-- tostring would write 14 digits of its 16.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local answers, clears = {}, {}
for i, key in ipairs(KEYS) do
  local calls, gap = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local clear = now
  local stored, was = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  if stored and tonumber(stored) > now then
    clear, was = tonumber(stored), tonumber(was)
    if was ~= gap then -- the rate was another: as many calls stay taken
      clear = now + math.ceil((clear - now) / was) * gap
    end
    clear = math.min(clear, now + calls * gap) -- but no more than fit
  end
  local wait = clear + cost * gap - now - calls * gap
  if wait > 0 then
    answers[#answers + 1] = 0
    answers[#answers + 1] = clear - now
    answers[#answers + 1] = wait
    return answers
  end
  clear = clear + cost * gap
  clears[i] = clear
  answers[#answers + 1] = calls - math.ceil((clear - now) / gap)
  answers[#answers + 1] = clear - now
  answers[#answers + 1] = 0
end
if cost > 0 then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f %.0f', clears[i], ARGV[2 * i + 1]), 'PX', math.ceil((clears[i] - now) / 1000))
  end
end
return answers
