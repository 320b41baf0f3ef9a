package bus

import (
	"crypto/subtle"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/aloft-cloud/aloft/internal/core/pki"
)

// The roots of the subjects.
const (
	controlRoot = "aloft.control."
	hostRoot    = "aloft.host."
	inboxRoot   = "_INBOX."
)

// Check lets a connection in and gives it its rights: the process itself by its secret, others by their certificate.
// It is NATS' interface.
func (s *Server) Check(c server.ClientAuthentication) bool {
	if token := c.GetOpts().Token; token != "" {
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.secret)) != 1 {
			return false
		}
		c.RegisterUser(&server.User{Username: "aloft"})
		return true
	}
	role, id, err := pki.Peer(c.GetTLSConnectionState())
	if err != nil {
		s.log.Warn("a connection to the bus was refused", "remote", c.RemoteAddress(), "error", err)
		return false
	}
	user := &server.User{Username: string(role) + " " + id}
	switch {
	case role == pki.RoleHost:
		user.Permissions = hostRights(id, id)
	case role == pki.RoleLaboratory && s.laboratory:
		user.Permissions = hostRights("*", id)
	case role != pki.RoleControl:
		s.log.Warn("a connection to the bus was refused: this control node is no laboratory's", "remote", c.RemoteAddress(), "holder", user.Username)
		return false
	}
	c.RegisterUser(user)
	return true
}

// hostRights are what a host may do, or, where host is a wildcard, who speaks for many. It cannot listen at other inboxes,
// and answers only what it was asked.
func hostRights(host, inbox string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{controlRoot + "*." + host}},
		Subscribe: &server.SubjectPermission{Allow: []string{hostRoot + host + ".>", inboxRoot + inbox + ".>"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: 10 * time.Minute},
	}
}

// receiver is the host whose subject it is; empty if it is no host's.
func receiver(subject string) string {
	rest, found := strings.CutPrefix(subject, hostRoot)
	if !found {
		return ""
	}
	id, _, _ := strings.Cut(rest, ".")
	return id
}

// sender is the host that sent a message to a control subject; empty for control nodes.
func sender(subscribed, actual string) string {
	id, found := strings.CutPrefix(actual, subscribed+".")
	if !found {
		return ""
	}
	return id
}
