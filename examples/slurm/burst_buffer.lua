-- Slurm's post-stage for axl-transfer: after a job it runs axl-finalize over the state directories that the job's
-- script names, as the job's user. Goes beside slurm.conf, with burst_buffer.conf; docs/how-to/slurm.md has what happens when.
--
--   #AXL state=/p/run7/state.%j                  one directory; state= may come several times
--   #AXL dataset incomplete=keep shards=8        any of OPTIONS below
--
-- slurmctld itself calls job_process, pools and paths, so they only read and write a few lines. All other hooks run in
-- a process of their own, which Slurm kills when it likes. Whatever is killed here is finished by the next run: nothing
-- is remembered but who owns a job.

-- configuration ------------------------------------------------------------------------------------------------------
local CONFIG = {
  -- Absolute paths on the host of slurmctld: its hooks have hardly an environment.
  node = "/opt/node/bin/node",
  finalize = "/opt/axl-transfer/dist/bin/axl-finalize.js",
  -- As Directive= in burst_buffer.conf.
  directive = "AXL",
  -- Seconds that data_out waits for the job's last processes, and again for transfers that are busy (a rank that does
  -- not die, a finalizer that somebody started by hand). Less than half of StageOutTimeout.
  wait = 300,
  -- Whether each post-stage leaves axl-report.JOBID.json in the first state directory.
  report = true,
  -- For SlurmUser other than root, which cannot become the job's user by itself; %u and %g are the user's ids.
  become = "/usr/bin/sudo -n -u '#%u' -g '#%g' --",
  -- Slurm before 23.02 tells only setup who owns a job: a directory to keep that in, on a disk, where nobody but
  -- SlurmUser may write. Slurm 23.02 and later tell every hook: "" then.
  owners = "/var/lib/axl-owners",
  -- To ask whether a job is over, and for shards=N; and the configuration by which they find this cluster.
  squeue = "/usr/bin/squeue",
  srun = "/usr/bin/srun",
  slurm_conf = "/etc/slurm/slurm.conf",
}
-- end of configuration -----------------------------------------------------------------------------------------------

-- What may follow the directive besides state= and shards=, with its values; options of axl-finalize by the same names.
local OPTIONS = {
  dataset = { [""] = true },
  incomplete = { delete = true, keep = true, resume = true },
  overwrite = { newer = true, replace = true, keep = true, fail = true },
  verify = { none = true, size = true, checksum = true },
}
local LONGEST_PATH, LONGEST_REASON = 3000, 300

-- Any text as one word of a shell command.
local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- The directives of a script, as Slurm finds them: in its leading comments; \ at the end of a line joins the next.
local function directives(path)
  local file, why = io.open(path, "r")
  if not file then return nil, "cannot read the job's script: " .. tostring(why) end
  local start, found, joins = "#" .. CONFIG.directive, {}, false
  for line in file:lines() do
    local ours = line:sub(1, #start) == start
    if ours then
      local text = line:sub(#start + 1):gsub("\\$", "")
      if joins then found[#found] = found[#found] .. text else found[#found + 1] = text end
    elseif line:match("^[^#]") then
      break
    end
    joins = ours and line:sub(-1) == "\\"
  end
  file:close()
  return found
end

-- A directive as words; "..." keeps spaces, and no character but the quote means anything.
local function words(text)
  local list, at = {}, 1
  while true do
    local from = text:find("%S", at)
    if not from then return list end
    local word, stop = "", from
    while stop <= #text and not text:sub(stop, stop):match("%s") do
      local close = text:sub(stop, stop) == '"' and (text:find('"', stop + 1, true) or 0) or nil
      if close == 0 then return nil, 'a " without its end' end
      word = word .. (close and text:sub(stop + 1, close - 1) or text:sub(stop, stop))
      stop = (close or stop) + 1
    end
    list[#list + 1], at = word, stop
  end
end

-- Slurm knows more symbols than %j, but does not replace them for every hook.
local function is_directory_name(path)
  if not path:match("^/") or not path:match("[^/]") or #path > LONGEST_PATH then return false end
  if (path .. "/"):find("/../", 1, true) or path:find("%c") then return false end
  return not path:gsub("%%j", ""):find("%", 1, true)
end

local function add_word(request, word)
  local key, value = word:match("^(%l+)=?(.*)$")
  if key == "state" and is_directory_name(value) then
    request.state[#request.state + 1] = value
  elseif key == "state" then
    return "state= needs the absolute path of a directory, without .. and with no symbol but %j, not " .. quote(value)
  elseif key == "shards" and value:match("^[1-9]%d?%d?$") then
    request.shards = tonumber(value)
  elseif OPTIONS[key or ""] and OPTIONS[key][value] then
    request.options[#request.options + 1] = "--" .. key .. (value == "" and "" or "=" .. value)
  else
    return "not understood: " .. quote(word) .. "; it takes state= dataset incomplete= overwrite= verify= shards="
  end
end

-- What a job's script asks for, or nil and what is wrong with it.
local function read_request(job_script, job_id)
  local lines, why = directives(job_script)
  if not lines then return nil, why end
  local request = { state = {}, options = {} }
  for _, line in ipairs(lines) do
    local list, problem = words(line)
    for _, word in ipairs(list or {}) do problem = problem or add_word(request, word) end
    if problem then return nil, "#" .. CONFIG.directive .. ": " .. problem end
  end
  if #request.state == 0 then return nil, "#" .. CONFIG.directive .. ": state=DIRECTORY is missing" end
  for i, path in ipairs(request.state) do request.state[i] = path:gsub("%%j", job_id or "%%%%j") end
  return request
end

-- Who owns a job.
local function owner_file(job_id)
  return CONFIG.owners .. "/" .. job_id
end

local function remember_owner(job_id, uid, gid)
  if CONFIG.owners == "" then return nil end
  local file, why = io.open(owner_file(job_id), "w")
  if not file then return "cannot keep the job's owner: " .. tostring(why) end
  local written = file:write(uid, " ", gid, "\n")
  return not (written and file:close()) and "cannot keep the job's owner" or nil
end

local function owner(job_id, uid, gid)
  if tonumber(uid) and tonumber(gid) then return { uid = uid, gid = gid } end
  local file = CONFIG.owners ~= "" and io.open(owner_file(job_id), "r")
  local text = file and file:read("*l") or ""
  if file then file:close() end
  uid, gid = text:match("^(%d+) (%d+)$")
  return uid and { uid = uid, gid = gid } or nil
end

local function own_uid()
  local file = io.open("/proc/self/status", "r")
  local uid = file and file:read("*a"):match("\nUid:%s+(%d+)")
  if file then file:close() end
  return uid
end

-- A command as the job's user, so that a directive can do no more than the user could, in an environment of ours. Users
-- without an entry in the user database have no further groups.
local function as_user(user, command)
  local become = ""
  local groups = "g=--clear-groups; /usr/bin/getent passwd " .. user.uid .. " >/dev/null && g=--init-groups; "
  local own = own_uid()
  if own == "0" then
    become = groups .. "/usr/bin/setpriv --reuid=" .. user.uid .. " --regid=" .. user.gid .. " $g"
  elseif own ~= user.uid then
    become = CONFIG.become:gsub("%%(%l)", { u = user.uid, g = user.gid })
  end
  return "cd /; " .. become .. " /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C " .. command
end

-- Runs a command to its end. Lua 5.1 cannot tell a pipe's status, so the shell does.
local function run(command)
  local pipe, why = io.popen("{ " .. command .. "\n} </dev/null 2>&1; echo \"status=$?\"", "r")
  if not pipe then return nil, tostring(why) end
  local output = pipe:read("*a") or ""
  pipe:close()
  local text, status = output:match("^(.-)status=(%d+)%s*$")
  return tonumber(status), text or output
end

-- The first line, as far as a job's Reason should be long.
local function reason(output, status)
  local line = output:match("[^\n]+") or ("ended with status " .. tostring(status))
  return #line > LONGEST_REASON and line:sub(1, LONGEST_REASON) .. "..." or line
end

local function join(list)
  local quoted = {}
  for i, text in ipairs(list) do quoted[i] = quote(text) end
  return table.concat(quoted, " ")
end

local function slurm_command(path)
  return "SLURM_CONF=" .. quote(CONFIG.slurm_conf) .. " " .. quote(path)
end

-- Slurm calls data_out for a job that was canceled or ran out of time while its processes are still being killed: waits
-- until the job is no longer COMPLETING. False if that takes too long, or Slurm does not answer.
local function wait_for_end(job_id)
  local states = " --noheader --states=COMPLETING --format=%A --jobs=" .. job_id
  for _ = 0, CONFIG.wait do
    local status, output = run(slurm_command(CONFIG.squeue) .. states)
    if status == 0 and not ("\n" .. output):find("\n" .. job_id .. "\n", 1, true) then return true end
    os.execute("sleep 1")
  end
  return false
end

-- axl-finalize for a request. A rank that did not finish its checkpoint is no failure of the post-stage: 3 is success.
-- srun gives the highest status of its tasks, in which 3 would hide 1, so each task judges its own.
local function finalize_command(job_id, request, ended)
  local report = quote(request.state[1] .. "/axl-report." .. job_id)
  local words = { quote(CONFIG.node), quote(CONFIG.finalize), "--quiet --wait=" .. CONFIG.wait .. "s" }
  if ended then words[#words + 1] = "--job-ended" end
  if CONFIG.report then words[#words + 1] = "--report=" .. report .. ".json" end
  if request.shards then words[#words + 1] = "--shard=auto" end
  words[#words + 1] = "--exclude='*axl-report.*' " .. join(request.options) .. " -- " .. join(request.state)
  local task = "/bin/sh -c " .. quote(table.concat(words, " ") .. "; s=$?; [ $s = 3 ] && s=0; exit $s")
  if not request.shards then return task end
  return slurm_command(CONFIG.srun)
    .. " --quiet --kill-on-bad-exit=0 --job-name=axl-finalize --ntasks=" .. request.shards .. " " .. task
end

-- Says at submission what would otherwise be found when the job is over.
function slurm_bb_job_process(job_script)
  local request, why = read_request(job_script)
  if not request then return slurm.ERROR, why end
  return slurm.SUCCESS
end

function slurm_bb_pools()
  return slurm.SUCCESS
end

-- Before the job may start: its state directories exist and can be listed on this host, by this user. So a post-stage
-- that cannot work is found now, and a directory that is missing afterwards is not taken for one that stayed empty.
function slurm_bb_setup(job_id, uid, gid, pool, bb_size, job_script)
  local request, why = read_request(job_script, job_id)
  if not request then return slurm.ERROR, why end
  why = remember_owner(job_id, uid, gid)
  if why then return slurm.ERROR, why end
  local states = join(request.state)
  local list = join({ CONFIG.node, CONFIG.finalize, "list", "--" }) .. " " .. states
  local script = "/bin/mkdir -p -- " .. states .. " || exit 1; e=$(" .. list .. " 2>&1 >/dev/null); "
    .. 's=$?; [ $s = 5 ] && s=0; [ $s = 0 ] || echo "$e"; exit $s'
  local status, output = run(as_user({ uid = uid, gid = gid }, "/bin/sh -c " .. quote(script)))
  if status ~= 0 then return slurm.ERROR, reason(output, status) end
  return slurm.SUCCESS
end

function slurm_bb_data_in()
  return slurm.SUCCESS
end

function slurm_bb_test_data_in()
  return slurm.SUCCESS
end

function slurm_bb_real_size()
  return slurm.SUCCESS
end

-- The job learns its first state directory, so that its script need not say it twice.
function slurm_bb_paths(job_id, job_script, path_file)
  local request, why = read_request(job_script, job_id)
  if not request then return slurm.ERROR, why end
  local file = io.open(path_file, "w")
  if not file then return slurm.ERROR, "cannot write " .. path_file end
  file:write("AXL_STATE_DIR=", request.state[1], "\n")
  file:close()
  return slurm.SUCCESS
end

function slurm_bb_pre_run()
  return slurm.SUCCESS
end

function slurm_bb_post_run()
  return slurm.SUCCESS
end

-- The post-stage. May be killed and called again at any time.
function slurm_bb_data_out(job_id, job_script, uid, gid)
  local request, why = read_request(job_script, job_id)
  if not request then return slurm.ERROR, why end
  local user = owner(job_id, uid, gid)
  if not user then return slurm.ERROR, "the owner of job " .. job_id .. " is not known" end
  local status, output = run(as_user(user, finalize_command(job_id, request, wait_for_end(job_id))))
  if status == 0 then return slurm.SUCCESS end
  slurm.log_error("axl-finalize for job %s: status %s: %s", job_id, tostring(status), output)
  return slurm.ERROR, reason(output, status)
end

-- data_out returns when all is done, so there is nothing to ask about.
function slurm_bb_test_data_out()
  return slurm.SUCCESS
end

function slurm_bb_job_teardown(job_id)
  if CONFIG.owners ~= "" then os.remove(owner_file(job_id)) end
  return slurm.SUCCESS
end

-- Before 23.02 Slurm does not say who asks, so this looks at nothing.
function slurm_bb_get_status()
  return slurm.SUCCESS, "what state files say: axl-finalize list STATE_DIR\n"
end
