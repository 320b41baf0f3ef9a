package e2e

// part is steps that belong together; parts build on one another.
type part struct {
	name  string
	steps []step
}

// identityCommands are the steps of TestIdentityCommands. What is made at the top is deleted at the bottom.
func identityCommands() []part {
	return []part{
		{"domains, projects, users and groups", tenantSteps()},
		{"roles", roleSteps()},
		{"regions, services and endpoints", catalogSteps()},
		{"limits", limitSteps()},
		{"federation", federationSteps()},
		{"tokens and secrets", secretSteps()},
		{"to delete it all", deleteSteps()},
	}
}

func tenantSteps() []step {
	return []step{
		{"domain create --description home acme", `{"name":"acme","description":"home","enabled":true,"options":{},"tags":[]}`},
		{"acme = domain create --or-show acme", `{"name":"acme"}`},
		{"domain create acme", "!Conflict occurred attempting to store domain"},
		{"domain set --name acme2 --description new --disable acme", ""},
		{"domain show acme2", `{"id":"{acme}","name":"acme2","description":"new","enabled":false}`},
		{"domain set --name acme --enable acme2", ""},
		{"domain list", `[{"ID":"default","Name":"Default","Enabled":true},{"ID":"{acme}","Name":"acme","Enabled":true,"Description":"new"}]`},
		{"domain list --name acme2", `[]`},
		{"domain show nowhere", "!No domain with a name or ID of 'nowhere' exists"},
		{"domain delete acme", "!please disable it first"},

		{"web = project create --domain acme --description x --property color=red --tag blue --tag green web", `{"domain_id":"{acme}","parent_id":"{acme}","color":"red","description":"x","enabled":true,"is_domain":false,"tags":["blue","green"]}`},
		{"sub = project create --domain acme --parent web --disable sub", `{"parent_id":"{web}","enabled":false,"tags":[]}`},
		{"project create --domain acme web", "!Conflict occurred attempting to store project"},
		{"project create --domain acme --or-show web", `{"id":"{web}"}`},
		{"project show --domain acme --parents --children web", `{"parents":{"{acme}":null},"subtree":{"{sub}":null}}`},
		{"project list --domain acme --long", `[{"ID":"{web}","Name":"web","Domain ID":"{acme}","Description":"x","Enabled":true},{"ID":"{sub}","Enabled":false}]`},
		{"project list --tags blue", `[{"ID":"{web}"}]`},
		{"project list --tags-any blue,red", `[{"ID":"{web}"}]`},
		{"project list --domain acme --not-tags blue", `[{"ID":"{sub}"}]`},
		{"project list --tags nothing", `[]`},
		{"project list --parent web", `[{"ID":"{sub}"}]`},
		{"project list --my-projects", `[{"Name":"admin"}]`},
		{"project set --domain acme --name www --tag red --disable web", ""},
		{"project set --domain acme --remove-tag blue www", ""},
		{"project show www", `{"id":"{web}","tags":["green","red"],"enabled":false}`},
		{"project set --clear-tags --property a=b --enable www", ""},
		{"project show {web}", `{"name":"www","a":"b","color":"red","enabled":true,"tags":[]}`},
		{"project show nowhere", "!No project with a name or ID of 'nowhere' exists"},

		{"alice = user create --domain acme --project www --project-domain acme --password secret-1 --email a@b --description d --ignore-lockout-failure-attempts --multi-factor-auth-rule password --multi-factor-auth-rule password,totp --enable-multi-factor-auth alice", `{"name":"alice","domain_id":"{acme}","default_project_id":"{web}","email":"a@b","enabled":true,"password_expires_at":null,"options":{"ignore_lockout_failure_attempts":true,"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["password"],["password","totp"]]}}`},
		{"user create --domain acme --password x-123456 alice", "!Conflict occurred attempting to store user"},
		{"user create --domain acme --or-show alice", `{"id":"{alice}"}`},
		{"user set --domain acme --name alina --email c@d --description e --no-ignore-lockout-failure-attempts --enable-lock-password --disable-multi-factor-auth alice", ""},
		{"user show --domain acme alina", `{"id":"{alice}","email":"c@d","description":"e","options":{"ignore_lockout_failure_attempts":false,"lock_password":true,"multi_factor_auth_enabled":false}}`},
		{"user set --domain acme --disable-lock-password --ignore-password-expiry --ignore-change-password-upon-first-use alina", ""},
		{"user show {alice}", `{"options":{"lock_password":false,"ignore_password_expiry":true,"ignore_change_password_upon_first_use":true}}`},
		{"user list --domain acme --long", `[{"ID":"{alice}","Name":"alina","Project":"{web}","Domain":"{acme}","Description":"e","Email":"c@d","Enabled":true}]`},
		{"user list --project www", `[]`},
		{"user set --domain acme --disable alina", ""},
		{"alina/secret-1: token issue", "!The request you have made requires authentication"},
		{"user set --domain acme --enable --password secret-2 alina", ""},
		{"user show nobody", "!No user with a name or ID of 'nobody' exists"},

		{"devs = group create --domain acme --description x devs", `{"name":"devs","domain_id":"{acme}","description":"x"}`},
		{"group create --domain acme --or-show devs", `{"id":"{devs}"}`},
		{"group create --domain acme devs", "!Conflict occurred attempting to store group"},
		{"group add user --group-domain acme --user-domain acme devs alina", ""},
		{"group contains user --group-domain acme --user-domain acme devs alina", "~alina in group devs"},
		{"group list --domain acme --long", `[{"ID":"{devs}","Name":"devs","Domain ID":"{acme}","Description":"x"}]`},
		{"group list --user alina --user-domain acme", `[{"ID":"{devs}"}]`},
		{"user list --group devs --domain acme", `[{"ID":"{alice}"}]`},
		{"group set --domain acme --name ops --description y devs", ""},
		{"group show --domain acme ops", `{"id":"{devs}","name":"ops","description":"y"}`},
		{"group remove user --group-domain acme --user-domain acme ops alina", ""},
		{"group remove user --group-domain acme --user-domain acme ops alina", "!not found in group"},
		{"group contains user --group-domain acme --user-domain acme ops alina", "~alina not in group ops"},
		{"group show nowhere", "!No group with a name or ID of 'nowhere' exists"},
	}
}

func roleSteps() []step {
	const alina, group = " --user alina --user-domain acme", " --group ops --group-domain acme"
	return []step{
		{"keeper = role create --description x --immutable keeper", `{"name":"keeper","description":"x","domain_id":null,"options":{"immutable":true}}`},
		{"role create keeper", "!Conflict occurred attempting to store role"},
		{"role create --or-show keeper", `{"id":"{keeper}"}`},
		{"role set --name watcher keeper", "!it is immutable"},
		{"role delete keeper", "!it is immutable"},
		{"role set --no-immutable keeper", ""},
		{"role set --name watcher --description y keeper", ""},
		{"role show watcher", `{"id":"{keeper}","description":"y","options":{"immutable":false}}`},
		{"local = role create --domain acme local", `{"domain_id":"{acme}"}`},
		{"role show --domain acme local", `{"id":"{local}"}`},
		{"role list", `[{"Name":"admin"},{"Name":"manager"},{"Name":"member"},{"Name":"reader"},{"Name":"service"},{"ID":"{keeper}","Name":"watcher"}]`},
		{"role list --domain acme", `[{"ID":"{local}","Name":"local","Domain":"acme"}]`},
		{"role show nowhere", "!No role with a name or ID of 'nowhere' exists"},

		{"implied role create --implied-role member watcher", `{"prior_role":"{keeper}"}`},
		{"implied role create --implied-role admin member", "!"},
		{"implied role list", `[{"Prior Role Name":"watcher","Implied Role Name":"member"},{"Prior Role Name":"admin","Implied Role Name":"manager"}]`},
		{"implied role delete --implied-role member watcher", ""},
		{"implied role delete --implied-role member watcher", "!does not imply"},

		{"role add --project www --project-domain acme watcher" + alina, ""},
		{"role add --project www --project-domain acme --inherited member" + alina, ""},
		{"role add --domain acme member" + group, ""},
		{"role add --domain acme --inherited reader" + group, ""},
		{"role add --system all reader" + alina, ""},
		{"role add --system all reader" + group, ""},
		{"role assignment list --names" + alina, `[{"Role":"watcher","User":"alina@acme","Project":"www@acme","Inherited":false},{"Role":"member","Project":"www@acme","Inherited":true},{"Role":"reader","System":"all"}]`},
		{"role assignment list --names" + group, `[{"Role":"member","Group":"ops@acme","Domain":"acme","Inherited":false},{"Role":"reader","Domain":"acme","Inherited":true},{"Role":"reader","System":"all"}]`},
		{"role assignment list --project sub --project-domain acme --effective --names", `[{"Role":"member","User":"alina@acme","Project":"sub@acme","Inherited":true},{"Role":"reader","User":"alina@acme","Project":"sub@acme"}]`},
		{"role assignment list --system all --names", `[{"Role":"admin","User":"admin@Default"},{"Role":"reader","User":"alina@acme"},{"Role":"reader","Group":"ops@acme"}]`},
		{"role assignment list --auth-user --auth-project --names", `[{"Role":"admin","User":"admin@Default","Project":"admin@Default"}]`},
		{"role assignment list --role watcher", `[{"Role":"{keeper}","User":"{alice}","Project":"{web}"}]`},
		{"role assignment list --domain acme --inherited", `[{"Group":"{devs}","Domain":"{acme}","Inherited":true}]`},
		{"user list --project www", `[{"ID":"{alice}"}]`},
		{"role remove --system all reader" + alina, ""},
		{"role remove --system all reader" + group, ""},
		{"role remove --domain acme --inherited reader" + group, ""},
		{"role remove --domain acme member" + group, ""},
		{"role remove --domain acme member" + group, "!Could not find role assignment"},
		{"role assignment list" + group, `[]`},
		{"role remove --project www --project-domain acme --inherited member" + alina, ""},
		{"role add --project nowhere member" + alina, "!No project with a name or ID of 'nowhere' exists"},
	}
}

func catalogSteps() []step {
	return []step{
		{"region create --description x r1", `{"region":"r1","description":"x","parent_region":null}`},
		{"region create --parent-region r1 r2", `{"region":"r2","parent_region":"r1"}`},
		{"region create r1", "!Conflict occurred attempting to store region"},
		{"region list", `[{"Region":"RegionOne"},{"Region":"r1","Parent Region":null,"Description":"x"},{"Region":"r2"}]`},
		{"region list --parent-region r1", `[{"Region":"r2","Parent Region":"r1"}]`},
		{"region set --description y --parent-region RegionOne r2", ""},
		{"region show r2", `{"description":"y","parent_region":"RegionOne"}`},
		{"region show nowhere", "!No region with a name or ID of 'nowhere' exists"},

		{"backups = service create --name backup --description b backup", `{"name":"backup","type":"backup","description":"b","enabled":true}`},
		{"service set --name backups --type backups --description c --disable backup", ""},
		{"service show backups", `{"id":"{backups}","type":"backups","description":"c","enabled":false}`},
		{"service set --enable backups", ""},
		{"service list --long", `[{"Name":"keystone","Type":"identity","Enabled":true},{"ID":"{backups}","Name":"backups","Description":"c","Enabled":true}]`},
		{"service show nowhere", "!No service with a type, name or ID of 'nowhere' exists"},

		{"public = endpoint create --region r1 backups public http://b/%(tenant_id)s", `{"interface":"public","region":"r1","region_id":"r1","service_id":"{backups}","service_name":"backups","service_type":"backups","url":"http://b/%(tenant_id)s","enabled":true}`},
		{"inner = endpoint create --region r1 --disable backups internal http://b", `{"interface":"internal","enabled":false}`},
		{"endpoint list --service backups", `[{"ID":"{public}","Region":"r1","Service Name":"backups","Service Type":"backups","Enabled":true,"Interface":"public"},{"ID":"{inner}"}]`},
		{"endpoint list --interface internal --region r1", `[{"ID":"{inner}"}]`},
		{"endpoint set --enable --url http://c --interface admin --region r2 {inner}", ""},
		{"endpoint show {inner}", `{"interface":"admin","region":"r2","url":"http://c","enabled":true,"service_name":"backups"}`},
		{"endpoint show nowhere", "!No endpoint with a name or ID of 'nowhere' exists"},
		{"endpoint add project {public} www --project-domain acme", ""},
		{"endpoint list --project www --project-domain acme", `[{"ID":"{public}"}]`},
		{"endpoint list --endpoint {public}", `[{"ID":"{web}","Name":"www"}]`},
		{"endpoint remove project {public} www --project-domain acme", ""},
		{"endpoint remove project {public} www --project-domain acme", "!"},
		{"region delete r1", "!associated endpoints"},

		{"filter = endpoint group create --description x filter filters.json", `{"name":"filter","description":"x","filters":{"interface":"public"}}`},
		{"endpoint group set --name filters --description y --filters other-filters.json filter", ""},
		{"endpoint group show filters", `{"id":"{filter}","description":"y","filters":{"region_id":"r1"}}`},
		{"endpoint group list", `[{"ID":"{filter}","Name":"filters","Description":"y"}]`},
		{"endpoint group add project filters www --project-domain acme", ""},
		{"endpoint group list --project www --domain acme", `[{"ID":"{filter}"}]`},
		{"endpoint group list --endpointgroup filters", `[{"ID":"{web}","Name":"www"}]`},
		{"endpoint group remove project filters www --project-domain acme", ""},
		{"endpoint group list --project www --domain acme", `[]`},
		{"endpoint group delete filters", ""},
		{"endpoint group show filters", "!No endpointgroup with a name or ID of 'filters' exists"},

		{"policy = policy create --type text/plain blob.json", `{"type":"text/plain"}`},
		{"policy set --type application/json --rules filters.json {policy}", ""},
		{"policy show {policy}", `{"id":"{policy}","type":"application/json"}`},
		{"policy list --long", `[{"ID":"{policy}","Type":"application/json"}]`},
		{"policy show nowhere", "!No policy with a name or ID of 'nowhere' exists"},
		{"policy delete {policy}", ""},
		{"policy list", `[]`},
	}
}
