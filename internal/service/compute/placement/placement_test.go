package placement

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// host is a host with room for 4 vCPUs, 4 GiB and 100 GiB.
func host(name string, change ...func(*Host)) Host {
	h := Host{
		Kind: Kind{Condition: Ready, Zone: "nova", Arch: "amd64", Acceleration: "kvm"}, ID: "id-" + name, Name: name,
		Limits: Resources{4, 4096, 100}, Free: Resources{4, 4096, 100},
	}
	for _, c := range change {
		c(&h)
	}
	return h
}

func picture(hosts ...Host) *Picture {
	p := New(Spread, map[string]Metadata{
		"1": {"ssd": {"true", "nvme"}}, "2": {"filter_tenant_id": {"p1"}}, "3": {"trait:HW_GPU": {"required"}},
	})
	for _, h := range hosts {
		p.Put(h)
	}
	return p
}

func in(aggregates string) func(*Host) { return func(h *Host) { h.Aggregates = aggregates } }

func TestKindFilters(t *testing.T) {
	for _, tc := range []struct {
		name    string
		filter  kindFilter
		host    Host
		request Request
		why     Reason
	}{
		{"any zone", inZone, host("a"), Request{}, none},
		{"the zone", inZone, host("a"), Request{Zone: "nova"}, none},
		{"another zone", inZone, host("a"), Request{Zone: "west"}, otherZone},
		{"ready", inCondition, host("a"), Request{}, none},
		{"disabled", inCondition, host("a", func(h *Host) { h.Condition = Disabled }), Request{}, disabled},
		{"maintenance", inCondition, host("a", func(h *Host) { h.Condition = Maintenance }), Request{}, maintained},
		{"lost", inCondition, host("a", func(h *Host) { h.Condition = Lost }), Request{}, lost},
		{"the architecture", ofArch, host("a"), Request{Arch: "amd64"}, none},
		{"another architecture", ofArch, host("a"), Request{Arch: "arm64"}, Reason{"is not of architecture arm64", "are not of architecture arm64"}},
		{"kvm", ofHypervisor, host("a"), Request{HypervisorType: "kvm"}, none},
		{"qemu is there too", ofHypervisor, host("a"), Request{HypervisorType: "qemu"}, none},
		{"no kvm", ofHypervisor, host("a", func(h *Host) { h.Acceleration = "tcg" }), Request{HypervisorType: "kvm"}, Reason{"has no hypervisor of type kvm", "have no hypervisor of type kvm"}},
		{"for any project", forProject, host("a", in("1")), Request{ProjectID: "p2"}, none},
		{"for the project", forProject, host("a", in("2")), Request{ProjectID: "p1"}, none},
		{"for another project", forProject, host("a", in("2")), Request{ProjectID: "p2"}, otherProject},
		{"capable", ofCapabilities, host("a"), Request{Specs: map[string]string{"capabilities:cpu_info:arch": "s== x86_64", "capabilities:hypervisor_type": "QEMU"}}, none},
		{"incapable", ofCapabilities, host("a"), Request{Specs: map[string]string{"capabilities:cpu_info:arch": "aarch64"}}, Reason{"lacks the capability cpu_info:arch aarch64", "lack the capability cpu_info:arch aarch64"}},
		{"unknown capability", ofCapabilities, host("a"), Request{Specs: map[string]string{"capabilities:colour": "s!= red"}}, Reason{"lacks the capability colour s!= red", "lack the capability colour s!= red"}},
		{"aggregate", ofAggregates, host("a", in("1")), Request{Specs: map[string]string{"aggregate_instance_extra_specs:ssd": "nvme", "ssd": "<or> true <or> x", "hw:numa_nodes": "2"}}, none},
		{"other value", ofAggregates, host("a", in("1")), Request{Specs: map[string]string{"aggregate_instance_extra_specs:ssd": "no"}}, Reason{"is in no aggregate with ssd no", "are in no aggregate with ssd no"}},
		{"no aggregate", ofAggregates, host("a"), Request{Specs: map[string]string{"ssd": "true"}}, Reason{"is in no aggregate with ssd true", "are in no aggregate with ssd true"}},
		{"trait", ofTraits, host("a", in("3")), Request{Traits: map[string]string{"HW_GPU": "required"}}, none},
		{"no trait", ofTraits, host("a"), Request{Traits: map[string]string{"HW_GPU": "required"}}, Reason{"lacks the trait HW_GPU", "lack the trait HW_GPU"}},
		{"forbidden trait", ofTraits, host("a", in("3")), Request{Traits: map[string]string{"HW_GPU": "forbidden"}}, Reason{"has the trait HW_GPU", "have the trait HW_GPU"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := picture(tc.host)
			require.Equal(t, tc.why, tc.filter(&tc.host.Kind, p.metadata[tc.host.Aggregates], &tc.request))
			_, ok := p.Place(&tc.request)
			require.Equal(t, tc.why == none, ok, "and it counts")
		})
	}
}

func TestHostFilters(t *testing.T) {
	group := func(p Policy, most, here, there int) *Group {
		g := &Group{Policy: p, MaxPerHost: most, Hosts: map[string]int{}}
		for id, n := range map[string]int{"id-a": here, "id-b": there} {
			if n > 0 {
				g.Hosts[id] = n
			}
		}
		return g
	}
	size := func(v, m, d int) Request { return Request{Size: Resources{v, m, d}} }
	for _, tc := range []struct {
		name    string
		filter  hostFilter
		request Request
		why     Reason
	}{
		{"by name", isHost, Request{Host: "a"}, none},
		{"by id", isHost, Request{Host: "id-a"}, none},
		{"another", isHost, Request{Host: "b"}, otherHost},
		{"tried", notTried, Request{Tried: []string{"id-b", "id-a"}}, failedIt},
		{"not tried", notTried, Request{Tried: []string{"id-b"}}, none},
		{"same host", onSameHost, Request{SameHost: []string{"id-a"}}, none},
		{"not the same host", onSameHost, Request{SameHost: []string{"id-b"}}, notSameHost},
		{"different host", onDifferentHost, Request{DifferentHost: []string{"id-b"}}, none},
		{"not a different host", onDifferentHost, Request{DifferentHost: []string{"id-a"}}, notDifferent},
		{"first of affinity", withGroup, Request{Group: group(Affinity, 0, 0, 0)}, none},
		{"with the others", withGroup, Request{Group: group(Affinity, 0, 1, 0)}, none},
		{"away from the others", withGroup, Request{Group: group(Affinity, 0, 0, 1)}, noMember},
		{"apart", withGroup, Request{Group: group(AntiAffinity, 0, 0, 1)}, none},
		{"not apart", withGroup, Request{Group: group(AntiAffinity, 0, 1, 0)}, hasMember},
		{"two of two", withGroup, Request{Group: group(AntiAffinity, 2, 1, 0)}, none},
		{"three of two", withGroup, Request{Group: group(AntiAffinity, 2, 2, 0)}, hasMember},
		{"softly apart", withGroup, Request{Group: group(SoftAntiAffinity, 0, 1, 0)}, none},
		{"softly together", withGroup, Request{Group: group(SoftAffinity, 0, 0, 1)}, none},
		{"room", capacity, size(4, 4096, 100), none},
		{"memory", capacity, size(5, 4097, 101), lackMemory},
		{"vCPUs", capacity, size(5, 1, 101), lackVCPUs},
		{"disk", capacity, size(1, 1, 101), lackDisk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := host("a")
			require.Equal(t, tc.why, tc.filter(&h, &tc.request))
			_, ok := picture(h).Place(&tc.request)
			require.Equal(t, tc.why == none, ok, "and it counts")
		})
	}
}

func TestSpecsLanguage(t *testing.T) {
	for _, tc := range []struct {
		value, want string
		ok          bool
	}{
		{"true", "true", true},
		{"true", "false", false},
		{"", "true", false},
		{"", "s!= true", false},
		{"10", "= 9", true},
		{"10", "= 11", false},
		{"10", ">= 10", true},
		{"10", "<= 9.5", false},
		{"10", "== 10.0", true},
		{"10", "!= 10", false},
		{"ten", "!= 10", false},
		{"b", "s== b", true},
		{"b", "s!= a", true},
		{"b", "s< a", false},
		{"b", "s<= b", true},
		{"b", "s> a", true},
		{"b", "s>= c", false},
		{"abc", "<in> b", true},
		{"abc", "<in> d", false},
		{"abc", "<in>", false},
		{"aes mmx", "<all-in> mmx aes", true},
		{"aes mmx", "<all-in> mmx sse", false},
		{"v2", "<or> v1 <or> v2", true},
		{"v3", "<or> v1 <or> v2", false},
		{"10", ">=", false},
		{"", "", false},
	} {
		require.Equal(t, tc.ok, matches(tc.value, tc.want), "%q %q", tc.value, tc.want)
	}
	require.Equal(t, "arm64", Arch("AArch64"))
	require.Equal(t, "vax", Arch("VAX"))
	require.Equal(t, "x86_64", archName("amd64"))
}

func TestWeights(t *testing.T) {
	limits := Resources{16, 1000, 100}
	for _, tc := range []struct {
		name       string
		weight     Weight
		wins, over Resources
	}{
		{"spread by memory", Spread, Resources{0, 500, 0}, Resources{1, 400, 100}},
		{"spread by vCPUs", Spread, Resources{12, 500, 0}, Resources{8, 500, 100}},
		{"spread by disk", Spread, Resources{8, 500, 2}, Resources{8, 500, 1}},
		{"pack by memory", Pack, Resources{16, 300, 100}, Resources{0, 400, 0}},
		{"pack by vCPUs", Pack, Resources{4, 500, 100}, Resources{8, 500, 0}},
	} {
		require.Greater(t, tc.weight(tc.wins, limits), tc.weight(tc.over, limits), tc.name)
	}
	require.Zero(t, Spread(Resources{}, Resources{}), "a host without anything divides nothing")
}

// count places servers and returns how many each host got.
func count(p *Picture, n int, r *Request) map[string]int {
	got := map[string]int{}
	for range n {
		if h, ok := p.Place(r); ok {
			got[h.Name]++
		}
	}
	return got
}

func TestSpreadAndPack(t *testing.T) {
	r := &Request{Size: Resources{1, 1024, 1}}
	p := picture(host("a"), host("b"), host("c"))
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, count(p, 6, r))
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, count(p, 100, r))
	require.Empty(t, count(p, 1, r), "all are full")

	p = New(Pack, nil)
	for _, name := range []string{"a", "b", "c"} {
		p.Put(host(name))
	}
	require.Len(t, count(p, 4, r), 1, "one is filled first")
	require.Len(t, count(p, 4, r), 1)
	require.Len(t, count(p, 100, r), 1)
}

func TestGroups(t *testing.T) {
	small := Resources{1, 512, 1}
	request := func(policy Policy, most int) *Request {
		return &Request{Size: small, Group: &Group{Policy: policy, MaxPerHost: most, Hosts: map[string]int{}}}
	}
	three := func() *Picture { return picture(host("a"), host("b"), host("c")) }
	require.Len(t, count(three(), 4, request(Affinity, 0)), 1)
	require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1}, count(three(), 5, request(AntiAffinity, 0)))
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, count(three(), 9, request(AntiAffinity, 2)))
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, count(three(), 6, request(SoftAntiAffinity, 0)))

	p := three()
	got := count(p, 6, request(SoftAffinity, 0))
	require.Len(t, got, 2, "the host with most members first, then others: %v", got)
	r := request(SoftAntiAffinity, 0)
	r.Group.Hosts = map[string]int{"id-a": 2, "id-b": 1, "id-c": 3}
	h, ok := three().Place(r)
	require.True(t, ok)
	require.Equal(t, "b", h.Name, "the one with least members")
	_, ok = three().Place(&Request{SameHost: []string{"gone"}})
	require.False(t, ok)
}

func TestPictureFollowsHosts(t *testing.T) {
	p := picture(host("a"), host("b", func(h *Host) { h.Condition = Lost }))
	require.Equal(t, 2, p.Len())
	require.Equal(t, 1, p.Ready())
	p.Put(host("b"))
	require.Equal(t, 2, p.Ready())
	p.Claim("id-b", Resources{4, 4096, 100})
	full, ok := p.Find("id-b")
	require.True(t, ok)
	require.Zero(t, full.Free)
	p.Claim("id-b", Resources{-4, -4096, -100})
	p.Remove("id-a")
	p.Remove("unknown")
	p.Claim("unknown", Resources{1, 1, 1})
	_, ok = p.Find("id-a")
	require.False(t, ok)
	h, ok := p.Place(&Request{Size: Resources{4, 4096, 100}})
	require.True(t, ok)
	require.Equal(t, "b", h.Name)
}

func TestRefusal(t *testing.T) {
	full := func(h *Host) { h.Free.MemoryMiB = 1536 }
	maintained := func(h *Host) { h.Condition = Maintenance }
	p := picture(host("a", full), host("b", full), host("c", maintained), host("d", func(h *Host) { h.Free.VCPUs = 0 }))
	r := &Request{Size: Resources{1, 2048, 1}, DifferentHost: []string{"id-d"}}
	_, ok := p.Place(r)
	require.False(t, ok)
	why := p.Explain(r)
	require.Equal(t, "No valid host: 0 of 4 hosts fit: 2 lack memory (largest free 1.5 GiB), 1 is in maintenance, 1 has a server of the hint different_host", why.Refusal())
	require.Zero(t, why.Fit())
	require.ElementsMatch(t, []string{"a", "b"}, why.Groups[0].Names)
	r.DifferentHost = nil
	why = p.Explain(r)
	require.Equal(t, "1 lacks vCPUs (largest free 4)", why.Text(&why.Groups[2]))
	why = picture().Explain(r)
	require.Contains(t, why.Refusal(), "there is no host yet")

	brief := p.Brief(r)
	require.Equal(t, 3, brief.Fit(), "what is free is not looked at")
	require.Equal(t, "1 is in maintenance", brief.Text(&brief.Groups[0]))
}

func TestNamesAreBounded(t *testing.T) {
	p := New(Spread, nil)
	for i := range 50 {
		p.Put(host(fmt.Sprint("small", i)))
		p.Put(host(fmt.Sprint("lost", i), func(h *Host) { h.Condition = Lost }))
	}
	why := p.Explain(&Request{Size: Resources{5, 1, 1}})
	require.Len(t, why.Groups, 2)
	for _, g := range why.Groups {
		require.Equal(t, 50, g.Hosts)
		require.Len(t, g.Names, namesPerReason)
	}
}

// Whatever comes and goes, a picture chooses as one would who looks at every host.
func TestThePictureChoosesAsALinearScanWould(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		weight := Spread
		if rapid.Bool().Draw(r, "pack") {
			weight = Pack
		}
		p := New(weight, nil)
		resources := rapid.Custom(func(r *rapid.T) Resources {
			return Resources{rapid.IntRange(0, 8).Draw(r, "v"), rapid.IntRange(0, 64).Draw(r, "m"), rapid.IntRange(0, 8).Draw(r, "d")}
		})
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"})
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				limits := resources.Draw(r, "limits")
				p.Put(host(name.Draw(r, "name"), func(h *Host) {
					h.Limits, h.Free = limits, limits
					h.Zone = rapid.SampledFrom([]string{"x", "y"}).Draw(r, "zone")
					h.Condition = rapid.SampledFrom([]Condition{Ready, Ready, Lost}).Draw(r, "condition")
				}))
			},
			"remove": func(r *rapid.T) { p.Remove("id-" + name.Draw(r, "name")) },
			"place": func(r *rapid.T) {
				ask := &Request{
					Size: resources.Draw(r, "size"), Zone: rapid.SampledFrom([]string{"", "x"}).Draw(r, "zone"),
					Tried: rapid.SliceOfN(rapid.Map(name, func(n string) string { return "id-" + n }), 0, 3).Draw(r, "tried"),
				}
				can := map[string]float64{}
				best := 0.0
				for id, e := range p.byID {
					if e.class.unfit(ask) == none && unfit(&e.Host, ask) == none && capacity(&e.Host, ask) == none {
						if len(can) == 0 || e.weight > best {
							best = e.weight
						}
						can[id] = e.weight
					}
				}
				got, ok := p.Place(ask)
				require.Equal(r, len(can) > 0, ok)
				if ok {
					require.Equal(r, best, can[got.ID])
				} else {
					why := p.Explain(ask)
					require.Zero(r, why.Fit(), "each host has a reason")
				}
			},
			"": func(r *rapid.T) {
				ready := 0
				for _, e := range p.byID {
					require.True(r, Resources{}.within(e.Free), "%+v is overfull", e.Host)
					if e.Condition == Ready {
						ready++
					}
				}
				require.Equal(r, ready, p.Ready())
			},
		})
	})
}
