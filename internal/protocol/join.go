package protocol

import (
	"fmt"
	"regexp"
)

// JoinPath is where a host joins, below a control node's URL: POST of Join, answered by Membership. It is the one thing
// that a host says by HTTPS, as it has no certificate for the bus yet.
const JoinPath = "/v1/join"

// CAPath is where a control node shows its CA's certificate, which a host checks by the fingerprint in its token.
const CAPath = "/ca.pem"

// Join asks for membership.
type Join struct {
	Token   string `json:"token"`
	HostID  string `json:"host_id"`
	Version int    `json:"version"` // of this package
	Request string `json:"request"` // a certificate request in PEM, for a key that stays on the host
}

// Membership is what a host needs to work for a control plane.
type Membership struct {
	CA          string   `json:"ca"`          // certificate in PEM
	Certificate string   `json:"certificate"` // the host's own, in PEM
	Bus         []string `json:"bus"`         // URLs
	Southbound  []string `json:"southbound"`  // OVN's southbound database, as OVN writes it: "ssl:10.0.0.1:6642"
}

// Renew asks for membership again, over the bus: its answer has a new certificate, and addresses that may have changed.
type Renew struct {
	Request string
}

// JoinToken lets hosts join. Its text is what an operator carries from a control node to a host.
type JoinToken struct {
	ID, Secret  string
	Fingerprint string // of the CA's key: the host trusts nobody else, and so no one in between
}

var joinToken = regexp.MustCompile(`^aloft-join\.([A-Za-z0-9]{8,64})\.([A-Za-z0-9]{16,64})\.([0-9a-f]{64})$`)

func (t JoinToken) String() string {
	return fmt.Sprintf("aloft-join.%s.%s.%s", t.ID, t.Secret, t.Fingerprint)
}

// ParseJoinToken reads the text of a token. Its error does not repeat it.
func ParseJoinToken(text string) (JoinToken, error) {
	m := joinToken.FindStringSubmatch(text)
	if m == nil {
		return JoinToken{}, fmt.Errorf("a join token is what `aloft join-token` prints, aloft-join.… and nothing else, but this is %d characters of another kind", len(text))
	}
	return JoinToken{ID: m[1], Secret: m[2], Fingerprint: m[3]}, nil
}
