-- Gives a call back to each bucket of KEYS; see take.lua. One that is not there
-- any more is as at first.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for _, key in ipairs(KEYS) do
  local clear, gap = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  if clear then
    clear = tonumber(clear) - tonumber(gap)
    if clear > now then
      redis.call('SET', key, string.format('%.0f %s', clear, gap), 'PX', math.ceil((clear - now) / 1000))
    else
      redis.call('DEL', key)
    end
  end
end
return {}
