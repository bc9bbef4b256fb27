-- Asks Gabion about each request; what is not clearly a yes is a no.

local GABION = "http://127.0.0.1:8080/.gabion/forward-auth/haproxy"

-- Of a field that is there several times, all values are handed on: Gabion judges them.
local function copy(from, to, name)
    local values = from[name]
    if not values then return end
    local copied = {}
    for index = 0, #values do copied[#copied + 1] = values[index] end
    to[name] = copied
end

core.register_action("gabion", { "http-req" }, function(txn)
    local sent = txn.http:req_get_headers()
    local asked = {}
    for name, _ in pairs(sent) do copy(sent, asked, name) end
    for _, name in ipairs({ "content-length", "transfer-encoding", "connection", "upgrade", "host" }) do
        asked[name] = nil
    end
    local host = sent["host"] and sent["host"][0] or ""
    asked["x-forwarded-method"] = { txn.sf:method() }
    asked["x-forwarded-host"] = { host }
    asked["x-forwarded-uri"] = { txn.sf:pathq() }
    asked["x-forwarded-for"] = { txn.sf:src() }
    asked["x-forwarded-proto"] = { txn.sf:ssl_fc() == 1 and "https" or "http" }
    asked["host"] = { host }

    local client = core.httpclient()
    local answer = client:get({ url = GABION, headers = asked, timeout = 5000 })
    if answer and answer.status and answer.status >= 200 and answer.status < 300 then
        local function first(name)
            local values = answer.headers and answer.headers[name]
            return values and values[0] or ""
        end
        txn:set_var("txn.gabion_identity", first("gabion-identity"))
        txn:set_var("txn.gabion_user", first("remote-user"))
        return
    end
    local reply = txn:reply({ status = (answer and answer.status and answer.status >= 300 and answer.status) or 503 })
    if answer and answer.headers then
        for _, name in ipairs({ "location", "www-authenticate", "content-type", "cache-control", "retry-after" }) do
            local values = answer.headers[name]
            if values and values[0] then reply:add_header(name, values[0]) end
        end
        if answer.body then reply:set_body(answer.body) end
    end
    txn:done(reply)
end)
