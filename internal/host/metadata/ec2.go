package metadata

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func ec2Versions() []string {
	return []string{
		"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
		"2009-04-04", latest,
	}
}

// entry is a name in EC2's tree: a text, or a list of further entries. Title is how a list shows it where that is not its
// name.
type entry struct {
	name, title string
	text        string
	list        []entry
}

func findEC2(g guest, parts []string) (document, bool) {
	if !slices.Contains(ec2Versions(), parts[0]) {
		return document{}, false
	}
	hasUserData := len(g.Guest.UserData) > 0
	switch {
	case len(parts) == 1 && hasUserData:
		return lines("meta-data/", "user-data")
	case len(parts) == 1:
		return lines("meta-data/")
	case parts[1] == "user-data" && len(parts) == 2 && hasUserData:
		return document{"application/octet-stream", g.Guest.UserData}, true
	case parts[1] != "meta-data":
		return document{}, false
	}
	at := entry{list: ec2Tree(g)}
	for _, name := range parts[2:] {
		i := slices.IndexFunc(at.list, func(e entry) bool { return e.name == name })
		if i < 0 {
			return document{}, false
		}
		at = at.list[i]
	}
	if at.list == nil {
		return text(at.text)
	}
	var names []string
	for _, e := range at.list {
		switch {
		case e.title != "":
			names = append(names, e.title)
		case e.list != nil:
			names = append(names, e.name+"/")
		default:
			names = append(names, e.name)
		}
	}
	return lines(names...)
}

func ec2Tree(g guest) []entry {
	tree := []entry{
		{name: "ami-id", text: ec2ID("ami", g.Image.ID)},
		{name: "ami-launch-index", text: strconv.Itoa(g.Guest.LaunchIndex)},
		{name: "block-device-mapping", list: []entry{{name: "ami", text: "vda"}, {name: "root", text: "/dev/vda"}}},
		{name: "hostname", text: g.Guest.Hostname},
		{name: "instance-action", text: "none"},
		{name: "instance-id", text: ec2ID("i", g.ID)},
		{name: "instance-type", text: g.Guest.InstanceType},
		{name: "local-hostname", text: g.Guest.Hostname},
		{name: "local-ipv4", text: g.address},
		{name: "placement", list: []entry{{name: "availability-zone", text: g.Guest.AvailabilityZone}}},
		{name: "public-hostname", text: g.Guest.Hostname},
		{name: "public-ipv4", text: g.Guest.FloatingIPs[g.address]},
	}
	if len(g.Guest.Keys) > 0 {
		keys := entry{name: "public-keys"}
		for i, k := range g.Guest.Keys {
			keys.list = append(keys.list, entry{
				name: strconv.Itoa(i), title: fmt.Sprintf("%d=%s", i, k.Name),
				list: []entry{{name: "openssh-key", text: k.Data}},
			})
		}
		tree = append(tree, keys)
	}
	return append(tree,
		entry{name: "reservation-id", text: ec2ID("r", g.ID)},
		entry{name: "security-groups", text: strings.Join(g.Guest.SecurityGroups, "\n")},
	)
}

// ec2ID makes an id as EC2's are, which has 17 hexadecimal digits after its kind, from an id of OpenStack.
func ec2ID(kind, id string) string {
	digits := strings.ReplaceAll(id, "-", "")
	return kind + "-" + digits[:min(17, len(digits))]
}
