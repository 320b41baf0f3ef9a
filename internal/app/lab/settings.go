package lab

import (
	"sync"

	"github.com/aloft-cloud/aloft/internal/host/agent"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// settings are those of a simulated host, which can have whatever it is told.
type settings struct {
	mu    sync.Mutex
	heard protocol.Settings
}

var _ agent.Settings = (*settings)(nil)

// Take implements agent.Settings.
func (s *settings) Take(heard protocol.Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = heard
	return nil
}

// Seen implements agent.Settings.
func (s *settings) Seen() *protocol.NetworkSeen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := &protocol.NetworkSeen{EncapAddress: "127.0.0.1"}
	if n := s.heard.Network; n != nil {
		seen.Generation, seen.BridgeMappings = n.Generation, n.BridgeMappings
		if n.EncapAddress != "" {
			seen.EncapAddress = n.EncapAddress
		}
	}
	return seen
}
