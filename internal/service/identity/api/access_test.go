package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/credentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/ec2credentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/ec2tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/trusts"
	"github.com/stretchr/testify/require"
)

// tenant is a user with a role on a project of its own.
type tenant struct {
	*cloud
	user, project, token string
	client               *gophercloud.ServiceClient
}

func (c *cloud) tenant(name, role string) tenant {
	c.t.Helper()
	admin := c.token("admin", adminPassword, `{"system":{"all":true}}`)
	do := func(method, path, body string, status int) answer {
		a := c.call(method, path, body, "X-Auth-Token", admin)
		require.Equal(c.t, status, a.status, "%s %s: %s", method, path, a.raw)
		return a
	}
	user := do("POST", "/v3/users", `{"user":{"name":"`+name+`","password":"secret"}}`, 201).at("user", "id").(string)
	project := do("POST", "/v3/projects", `{"project":{"name":"`+name+`"}}`, 201).at("project", "id").(string)
	roles := do("GET", "/v3/roles?name="+role, "", 200).at("roles").([]any)
	do("PUT", "/v3/projects/"+project+"/users/"+user+"/roles/"+roles[0].(map[string]any)["id"].(string), "", 204)
	client, err := c.client(name, "secret", &gophercloud.AuthScope{ProjectID: project})
	require.NoError(c.t, err)
	return tenant{c, user, project, c.token(name, "secret", `{"project":{"id":"`+project+`"}}`), client}
}

func (t tenant) do(method, path, body string, status int) answer {
	t.t.Helper()
	a := t.call(method, path, body, "X-Auth-Token", t.token)
	require.Equal(t.t, status, a.status, "%s %s %s: %s", method, path, body, a.raw)
	return a
}

func TestApplicationCredentialsWithGophercloud(t *testing.T) {
	c := newCloud(t)
	u := c.tenant("alice", "member")
	ctx := t.Context()
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	made, err := applicationcredentials.Create(ctx, u.client, u.user, applicationcredentials.CreateOpts{
		Name: "ci", ExpiresAt: &expires, Roles: []applicationcredentials.Role{{Name: "reader"}},
		AccessRules: []applicationcredentials.AccessRule{{Service: "identity", Method: "GET", Path: "/v3/users/*"}},
	}).Extract()
	require.NoError(t, err)
	require.True(t, expires.Equal(made.ExpiresAt))
	require.NotEmpty(t, made.Secret)
	require.Len(t, made.AccessRules, 1)
	shown, err := applicationcredentials.Get(ctx, u.client, u.user, made.ID).Extract()
	require.NoError(t, err)
	require.Empty(t, shown.Secret)

	provider, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: c.url, ApplicationCredentialID: made.ID, ApplicationCredentialSecret: made.Secret,
	})
	require.NoError(t, err)
	limited := provider.Token()
	require.Equal(t, 200, c.call("GET", "/v3/users/"+u.user, "", "X-Auth-Token", limited).status)
	require.Equal(t, 401, c.call("GET", "/v3/users/"+u.user+"/projects", "", "X-Auth-Token", limited).status, "no rule permits it")
	token := c.call("GET", "/v3/auth/tokens", "", "X-Auth-Token", u.token, "X-Subject-Token", limited)
	require.Equal(t, 200, token.status, token.raw)
	require.Equal(t, true, token.at("token", "application_credential", "restricted"))
	require.Equal(t, made.ID, token.at("token", "application_credential", "id"))

	rule := "/v3/users/" + u.user + "/access_rules/" + made.AccessRules[0].ID
	u.do("GET", rule, "", 200)
	u.do("DELETE", rule, "", 403)
	require.NoError(t, applicationcredentials.Delete(ctx, u.client, u.user, made.ID).ExtractErr())
	require.Equal(t, 401, c.call("GET", "/v3/users/"+u.user, "", "X-Auth-Token", limited).status)
	require.Len(t, u.do("GET", "/v3/users/"+u.user+"/access_rules", "", 200).at("access_rules"), 1)
	u.do("DELETE", rule, "", 204)
	u.do("GET", rule, "", 404)

	creds := "/v3/users/" + u.user + "/application_credentials"
	for _, bad := range []string{
		`{}`, `{"application_credential":{}}`, `{"application_credential":{"name":""}}`, `{"application_credential":{"name":"x","nonsense":1}}`,
		`{"application_credential":{"name":"x","expires_at":"tomorrow"}}`, `{"application_credential":{"name":"x","expires_at":"2020-01-01T00:00:00"}}`,
		`{"application_credential":{"name":"x","roles":[{}]}}`, `{"application_credential":{"name":"x","roles":[{"name":"admin"}]}}`,
		`{"application_credential":{"name":"x","access_rules":[{"service":"compute"}]}}`,
		`{"application_credential":{"name":"x","access_rules":[{"service":"compute","method":"BREW","path":"/x"}]}}`,
	} {
		u.do("POST", creds, bad, 400)
	}
	u.do("POST", creds, `{"application_credential":{"name":"x","description":null,"secret":null,"unrestricted":null}}`, 201)
	u.do("POST", creds, `{"application_credential":{"name":"x"}}`, 409)
	u.do("HEAD", creds, "", 200)
	require.Len(t, u.do("GET", creds+"?name=x", "", 200).at("application_credentials"), 1)
}

func TestCredentialsAndKeysWithGophercloud(t *testing.T) {
	c := newCloud(t)
	u := c.tenant("alice", "member")
	ctx := t.Context()
	made, err := credentials.Create(ctx, u.client, credentials.CreateOpts{Blob: `{"access":"a","secret":"b"}`, ProjectID: u.project, Type: "ec2", UserID: u.user}).Extract()
	require.NoError(t, err)
	require.Len(t, made.ID, 64)
	_, err = credentials.Update(ctx, u.client, made.ID, credentials.UpdateOpts{Blob: `{"access":"a","secret":"c"}`}).Extract()
	require.NoError(t, err)
	u.do("POST", "/v3/credentials", `{"credential":{"blob":"{\"access\":\"a\"}","type":"ec2","user_id":"`+u.user+`","project_id":"`+u.project+`"}}`, 409)
	for _, bad := range []string{
		`{"credential":{"blob":"x","type":"ec2","user_id":"` + u.user + `","project_id":"` + u.project + `"}}`,
		`{"credential":{"blob":"{\"access\":\"z\"}","type":"ec2","user_id":"` + u.user + `"}}`,
		`{"credential":{"blob":"x","user_id":"` + u.user + `"}}`, `{"credential":{"blob":"x","type":"totp","user_id":"` + u.user + `"}}`, `{}`,
	} {
		u.do("POST", "/v3/credentials", bad, 400)
	}
	u.do("PATCH", "/v3/credentials/"+made.ID, `{"credential":{"blob":"{\"access\":\"a\",\"trust_id\":\"x\"}"}}`, 400)
	totp := u.do("POST", "/v3/credentials", `{"credential":{"blob":"GEZDGNBVGY3TQOJQ","type":"totp","user_id":"`+u.user+`"}}`, 201)
	require.Contains(t, totp.at("credential", "otpauth_uri"), "otpauth://totp/Aloft:alice?")
	require.Nil(t, totp.at("credential", "project_id"))
	u.do("POST", "/v3/credentials", `{"credential":{"blob":"x","type":"cert","user_id":"someone"}}`, 403)
	u.do("GET", "/v3/credentials/nothing", "", 403)
	require.Len(t, u.do("GET", "/v3/credentials?type=totp", "", 200).at("credentials"), 1)
	require.NoError(t, credentials.Delete(ctx, u.client, made.ID).ExtractErr())

	key, err := ec2credentials.Create(ctx, u.client, u.user, ec2credentials.CreateOpts{TenantID: u.project}).Extract()
	require.NoError(t, err)
	_, err = ec2credentials.Get(ctx, u.client, u.user, key.Access).Extract()
	require.NoError(t, err)
	admin := c.admin()
	request := &ec2tokens.AuthOptions{
		Access: key.Access, Secret: key.Secret, Host: "127.0.0.1", Path: "/", Verb: "GET", Region: "r", Service: "ec2",
		Headers: map[string]string{"Host": "127.0.0.1"}, Params: map[string]string{"Action": "ListUsers", "Version": "2010-05-08"},
	}
	got, err := ec2tokens.Create(ctx, admin, request).ExtractUser()
	require.NoError(t, err)
	require.Equal(t, u.user, got.ID)
	signedV2 := &ec2tokens.AuthOptions{
		Access: key.Access, Secret: key.Secret, Host: "h:8773", Path: "/x", Verb: "POST",
		Params: map[string]string{"SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "Action": "a", "AWSAccessKeyId": key.Access},
	}
	_, err = ec2tokens.Create(ctx, admin, signedV2).ExtractUser()
	require.NoError(t, err)
	request.Secret = "wrong"
	request.Signature = nil
	_, err = ec2tokens.Create(ctx, admin, request).ExtractUser()
	require.True(t, gophercloud.ResponseCodeIs(err, http.StatusUnauthorized), "%v", err)
	for _, path := range []string{"/v3/ec2tokens", "/v3/s3tokens"} {
		u.do("POST", path, `{"credentials":{"access":"x"}}`, 403)
		require.Equal(t, 401, c.call("POST", path, `{}`).status)
		unknown := c.call("POST", path, `{"credentials":{"access":"x","signature":"y","token":"eA=="}}`, "X-Auth-Token", admin.Token())
		require.Equal(t, 404, unknown.status, unknown.raw)
		require.Equal(t, "EC2 access key not found.", unknown.at("error", "message"))
	}
	require.NoError(t, ec2credentials.Delete(ctx, u.client, u.user, key.Access).ExtractErr())
	u.do("GET", "/v3/users/"+u.user+"/credentials/OS-EC2/"+key.Access, "", 404)
	u.do("POST", "/v3/users/"+u.user+"/credentials/OS-EC2", `{}`, 400)
}

func TestTrustsWithGophercloud(t *testing.T) {
	c := newCloud(t)
	u, other := c.tenant("alice", "member"), c.tenant("bob", "member")
	ctx := t.Context()
	expires := time.Now().Add(30 * time.Minute).UTC().Truncate(time.Second)
	made, err := trusts.Create(ctx, u.client, trusts.CreateOpts{
		ExpiresAt: &expires, Impersonation: true, ProjectID: u.project, TrusteeUserID: other.user, TrustorUserID: u.user,
		Roles: []trusts.Role{{Name: "reader"}},
	}).Extract()
	require.NoError(t, err)
	require.True(t, expires.Equal(made.ExpiresAt))
	path := "/v3/OS-TRUST/trusts/" + made.ID
	role := other.do("GET", path, "", 200).at("trust", "roles").([]any)[0].(map[string]any)
	require.Equal(t, "reader", role["name"])
	u.do("GET", path+"/roles", "", 200)
	u.do("HEAD", path+"/roles/"+role["id"].(string), "", 200)
	u.do("GET", path+"/roles/other", "", 404)
	require.Len(t, u.do("GET", "/v3/OS-TRUST/trusts?trustor_user_id="+u.user, "", 200).at("trusts"), 1)
	require.Len(t, other.do("GET", "/v3/OS-TRUST/trusts?trustee_user_id="+other.user, "", 200).at("trusts"), 1)
	u.do("GET", "/v3/OS-TRUST/trusts", "", 403)
	other.do("DELETE", path, "", 403)

	body := passwordBody("bob", "secret", `{"OS-TRUST:trust":{"id":"`+made.ID+`"}}`)
	body = strings.Replace(body, `"password":"bob"`, `"password":"secret"`, 1)
	a := c.call("POST", "/v3/auth/tokens", body)
	require.Equal(t, 201, a.status, a.raw)
	require.Equal(t, u.user, a.at("token", "user", "id"))
	require.Equal(t, made.ID, a.at("token", "OS-TRUST:trust", "id"))
	require.Equal(t, other.user, a.at("token", "OS-TRUST:trust", "trustee_user", "id"))
	require.Equal(t, expires.Format("2006-01-02T15:04:05.000000Z"), a.at("token", "expires_at"), "a token ends with its trust")
	require.Equal(t, 401, c.call("POST", "/v3/auth/tokens", strings.Replace(body, made.ID, "nothing", 1)).status)

	trust := func(more string) string {
		return `{"trust":{"trustor_user_id":"` + u.user + `","trustee_user_id":"` + other.user + `","project_id":"` + u.project + `"` + more + `}}`
	}
	reader := `,"roles":[{"name":"reader"}]`
	for _, bad := range []string{
		trust(reader), trust(`,"impersonation":"maybe"` + reader), trust(`,"impersonation":true,"expires_at":"bad.123Z"` + reader),
		trust(`,"impersonation":true,"remaining_uses":0` + reader), trust(`,"impersonation":true,"redelegation_count":-1` + reader),
		trust(`,"impersonation":true,"allow_redelegation":true,"remaining_uses":1` + reader),
	} {
		u.do("POST", "/v3/OS-TRUST/trusts", bad, 400)
	}
	u.do("POST", "/v3/OS-TRUST/trusts", trust(`,"impersonation":true`), 403)
	u.do("POST", "/v3/OS-TRUST/trusts", trust(`,"impersonation":true,"allow_redelegation":true,"redelegation_count":9`+reader), 403)
	other.do("POST", "/v3/OS-TRUST/trusts", trust(`,"impersonation":true`+reader), 403)
	require.NoError(t, trusts.Delete(ctx, u.client, made.ID).ExtractErr())
	u.do("GET", path, "", 404)
	require.Equal(t, 401, c.call("GET", "/v3/auth/projects", "", "X-Auth-Token", a.header.Get("X-Subject-Token")).status)
}

func TestUserOptionsAndReceipts(t *testing.T) {
	c := newCloud(t)
	u := c.tenant("alice", "member")
	admin := c.token("admin", adminPassword, `{"system":{"all":true}}`)
	patch := func(options string, status int) answer {
		a := c.call("PATCH", "/v3/users/"+u.user, `{"user":{"options":`+options+`}}`, "X-Auth-Token", admin)
		require.Equal(t, status, a.status, a.raw)
		return a
	}
	for _, bad := range []string{
		`{"nonsense":true}`, `{"lock_password":"maybe"}`, `{"multi_factor_auth_rules":"password"}`, `{"multi_factor_auth_rules":["password"]}`,
		`{"multi_factor_auth_rules":[[]]}`, `{"multi_factor_auth_rules":[["a","a"]]}`, `{"multi_factor_auth_rules":[["a"],["a"]]}`,
	} {
		patch(bad, 400)
	}
	patch(`{"ignore_password_expiry":true,"lock_password":true}`, 200)
	a := patch(`{"lock_password":null,"multi_factor_auth_rules":[["password","totp"]]}`, 200)
	require.Equal(t, map[string]any{"ignore_password_expiry": true, "multi_factor_auth_rules": []any{[]any{"password", "totp"}}}, a.at("user", "options"))

	lacking := c.call("POST", "/v3/auth/tokens", passwordBody("alice", "secret", ""))
	require.Equal(t, 401, lacking.status, lacking.raw)
	require.NotEmpty(t, lacking.header.Get("Openstack-Auth-Receipt"))
	require.Empty(t, lacking.header.Get("X-Subject-Token"))
	require.Equal(t, []any{[]any{"password", "totp"}}, lacking.at("required_auth_methods"))
	require.Equal(t, u.user, lacking.at("receipt", "user", "id"))
	require.Equal(t, 401, c.call("GET", "/v3/auth/projects", "", "X-Auth-Token", lacking.header.Get("Openstack-Auth-Receipt")).status, "a receipt is no token")
	require.Equal(t, 400, c.call("POST", "/v3/auth/tokens", `{"auth":{"identity":{"methods":["totp"]}}}`).status)
	require.Equal(t, 401, c.call("POST", "/v3/auth/tokens", `{"auth":{"identity":{"methods":["magic"]}}}`).status)
}

func TestShowingTokens(t *testing.T) {
	c := newCloud(t)
	token := c.token("admin", adminPassword, `{"system":{"all":true}}`)
	show := func(query string) answer {
		return c.call("GET", "/v3/auth/tokens"+query, "", "X-Auth-Token", token, "X-Subject-Token", token)
	}
	require.NotNil(t, show("").at("token", "catalog"))
	require.Nil(t, show("?nocatalog").at("token", "catalog"))
	require.Equal(t, 200, show("?allow_expired=1").status)
	require.Equal(t, 200, c.call("HEAD", "/v3/auth/tokens", "", "X-Auth-Token", token, "X-Subject-Token", token).status)
	for _, scope := range []string{`"unscoped"`, `{"unscoped":{}}`} {
		a := c.call("POST", "/v3/auth/tokens", passwordBody("admin", adminPassword, scope))
		require.Equal(t, 201, a.status, a.raw)
		require.Nil(t, a.at("token", "project"))
	}
}
