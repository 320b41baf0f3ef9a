package api_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
)

// openstack returns what runs commands of the client that OpenStack ships, by the tokens that authenticate knows.
func openstack(t *testing.T) func(token, command string) string {
	t.Helper()
	if _, err := exec.LookPath("openstack"); err != nil {
		t.Skipf("python3-openstackclient is not installed: %v", err)
	}
	if testing.Short() {
		t.Skip("each of its commands takes a second")
	}
	url := strings.TrimSuffix(serve(t, dbtest.SQLite(t, sets()...)), "/")
	return func(token, command string) string {
		t.Helper()
		args := append([]string{"--os-auth-type", "admin_token", "--os-endpoint", url, "--os-token", token}, strings.Fields(command)...)
		out, err := exec.Command("openstack", args...).CombinedOutput()
		require.NoError(t, err, "openstack %s: %s", command, out)
		return strings.TrimSpace(string(out))
	}
}

// TestTheOpenStackClientWorks runs the commands of a first tour with the client that OpenStack ships.
func TestTheOpenStackClientWorks(t *testing.T) {
	run := openstack(t)
	run("admin", "network create --external --provider-network-type flat --provider-physical-network outside outside")
	run("admin", "subnet create --network outside --subnet-range 172.24.4.0/24 --no-dhcp --allocation-pool start=172.24.4.100,end=172.24.4.200 outside4")
	run("one", "network create --mtu 1400 inside")
	run("one", "subnet create --network inside --subnet-range 10.0.0.0/24 --dns-nameserver 9.9.9.9 --host-route destination=10.9.0.0/16,gateway=10.0.0.9 inside4")
	require.Contains(t, run("one", "network list"), "outside")
	require.Contains(t, run("one", "network show inside -f json"), `"mtu": 1400`)
	run("one", "router create router")
	run("one", "router set --external-gateway outside router")
	run("one", "router add subnet router inside4")
	run("one", "security group create ssh")
	run("one", "security group rule create --protocol tcp --dst-port 22 ssh")
	run("one", "security group rule create --protocol icmp ssh")
	require.Contains(t, run("one", "security group rule list ssh"), "22:22")
	run("one", "port create --network inside --fixed-ip subnet=inside4,ip-address=10.0.0.50 --security-group ssh web")
	require.Contains(t, run("one", "port list --fixed-ip ip-address=10.0.0.50 --long"), "web")
	run("one", "port set --name www --allowed-address ip-address=10.0.0.99 web")
	run("one", "port set --dns-name www --dns-domain example.org. www")
	require.Contains(t, run("one", "port show www -f json -c dns_assignment"), "www.example.org.")
	run("one", "floating ip create --port www --dns-name www --dns-domain example.org. outside")
	require.Contains(t, run("one", "floating ip list --long"), "example.org.")
	list := run("one", "floating ip list -f value -c ID")
	require.Contains(t, run("one", "floating ip list"), "10.0.0.50")
	run("one", "floating ip unset --port "+strings.TrimSpace(list))
	run("one", "floating ip delete "+strings.TrimSpace(list))
	require.Contains(t, run("one", "subnet show inside4 -f json"), "10.0.0.1")
	run("one", "router show router")
	run("admin", "router create --ha --distributed made")
	require.Equal(t, "True", run("admin", "router show made -f value -c ha"))
	run("admin", "availability zone list --network")
	run("one", "router remove subnet router inside4")
	run("one", "router delete router")
	run("one", "port delete www")
	run("one", "network delete inside")
	run("one", "security group delete ssh")
	run("one", "subnet pool create --pool-prefix 10.64.0.0/16 --default-prefix-length 24 --tag east pool")
	run("one", "network create pooled")
	run("one", "subnet create --network pooled --subnet-pool pool --prefix-length 26 pooled4")
	require.Contains(t, run("one", "subnet show pooled4 -f json"), "10.64.0.0/26")
	require.Contains(t, run("one", "subnet pool list --tags east"), "10.64.0.0/16")
	run("one", "network set --tag blue pooled")
	require.Contains(t, run("one", "network list --tags blue"), "pooled")
	run("one", "network delete pooled")
	run("one", "subnet pool delete pool")
	run("one", "extension list --network")
}

// TestTheOpenStackClientForwardsPorts runs the commands of port forwardings.
func TestTheOpenStackClientForwardsPorts(t *testing.T) {
	run := openstack(t)
	run("admin", "network create --external outside")
	run("admin", "subnet create --network outside --subnet-range 172.24.4.0/24 --no-dhcp outside4")
	run("one", "network create inside")
	run("one", "subnet create --network inside --subnet-range 10.0.0.0/24 inside4")
	run("one", "router create router")
	run("one", "router set --external-gateway outside router")
	run("one", "router add subnet router inside4")
	port := run("one", "port create --network inside --fixed-ip ip-address=10.0.0.50 -f value -c id web")
	floating := run("one", "floating ip create -f value -c id outside")
	forward := run("one", "floating ip port forwarding create --internal-ip-address 10.0.0.50 --port "+port+" --internal-protocol-port 22 --external-protocol-port 2222 --protocol tcp -f value -c id "+floating)
	run("one", "floating ip port forwarding set --external-protocol-port 2200 --description other "+floating+" "+forward)
	require.Contains(t, run("one", "floating ip port forwarding show -f json "+floating+" "+forward), "2200")
	require.Contains(t, run("one", "floating ip port forwarding list "+floating), "10.0.0.50")
	run("one", "floating ip port forwarding delete "+floating+" "+forward)
	require.NotContains(t, run("one", "floating ip port forwarding list "+floating), "10.0.0.50")
}

// TestTheOpenStackClientLimits runs the commands of QoS.
func TestTheOpenStackClientLimits(t *testing.T) {
	run := openstack(t)
	run("admin", "network qos policy create --share slow")
	rule := run("admin", "network qos rule create --type bandwidth-limit --max-kbps 1000 --max-burst-kbits 100 --ingress -f value -c id slow")
	run("admin", "network qos rule create --type dscp-marking --dscp-mark 26 slow")
	run("admin", "network qos rule create --type minimum-bandwidth --min-kbps 10 --egress slow")
	run("admin", "network qos rule create --type minimum-bandwidth --min-kbps 10 --ingress slow")
	run("admin", "network qos rule set --max-kbps 2000 slow "+rule)
	require.Contains(t, run("one", "network qos rule list slow"), "2000")
	require.Contains(t, run("one", "network qos rule type list"), "dscp_marking")
	require.Contains(t, run("admin", "network qos rule type show bandwidth_limit"), "max_kbps")
	run("one", "network create --qos-policy slow inside")
	policy := run("one", "network qos policy show slow -f value -c id")
	require.Equal(t, policy, run("one", "network show inside -f value -c qos_policy_id"))
	run("one", "network set --no-qos-policy inside")
	run("admin", "network qos rule delete slow "+rule)
	run("admin", "network qos policy delete slow")
}

// TestTheOpenStackClientTrunks runs the commands of trunks.
func TestTheOpenStackClientTrunks(t *testing.T) {
	run := openstack(t)
	run("one", "network create inside")
	run("one", "port create --network inside parent")
	run("one", "port create --network inside first")
	run("one", "port create --network inside second")
	run("one", "network trunk create --parent-port parent --subport port=first,segmentation-type=vlan,segmentation-id=101 trunk")
	run("one", "network trunk set --subport port=second,segmentation-type=vlan,segmentation-id=102 trunk")
	require.Contains(t, run("one", "network subport list --trunk trunk -f value"), "vlan 102")
	require.Contains(t, run("one", "port show parent -f value -c trunk_details"), "'segmentation_id': 101")
	run("one", "network trunk unset --subport first trunk")
	require.NotContains(t, run("one", "network subport list --trunk trunk -f value"), "vlan 101")
	run("one", "network trunk delete trunk")
}

// TestTheOpenStackClientHasSegmentRanges runs the commands of network segment ranges.
func TestTheOpenStackClientHasSegmentRanges(t *testing.T) {
	run := openstack(t)
	const segment = " -f value -c provider:segmentation_id"
	run("admin", "network segment range create --network-type vlan --physical-network dc --minimum 100 --maximum 100 --shared vlans")
	require.Equal(t, "100", run("admin", "network create --provider-network-type vlan --provider-physical-network dc blue"+segment))
	require.Contains(t, run("admin", "network segment range list --used -f json"), `"100"`)
	run("admin", "network segment range set --minimum 100 --maximum 101 --name more vlans")
	require.Equal(t, "101", run("admin", "network create --provider-network-type vlan --provider-physical-network dc red"+segment))
	require.Contains(t, run("admin", "network segment range list --unavailable -f json"), `"more"`)
	run("admin", "network delete blue red")
	run("admin", "network segment range delete more")
	require.Equal(t, "[]", run("admin", "network segment range list -f json"))
}
