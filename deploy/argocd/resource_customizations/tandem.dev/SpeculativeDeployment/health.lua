-- Health of a SpeculativeDeployment: what kstatus reads, in its order. Speculation that is off, metrics
-- that are lost and a K that moves change nothing here: requests are served.
local health = { status = "Progressing", message = "The operator has not seen this generation yet" }
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function stands(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end
if stands("Stalled") then
  health.status = "Degraded"
  health.message = conditions.Stalled.reason .. ": " .. (conditions.Stalled.message or "")
elseif stands("Reconciling") then
  health.message = conditions.Reconciling.reason .. ": " .. (conditions.Reconciling.message or "")
elseif stands("Paused") then
  health.status = "Suspended"
  health.message = conditions.Paused.message or "Paused"
elseif stands("Ready") then
  health.status = "Healthy"
  health.message = conditions.Ready.message or ""
elseif conditions.Ready ~= nil then
  health.message = conditions.Ready.reason .. ": " .. (conditions.Ready.message or "")
end
return health
