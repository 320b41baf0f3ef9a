package libvirt

import (
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// some returns the named domains that exist.
func some(l *golibvirt.Libvirt, ids []string) ([]hypervisor.Domain, error) {
	var found []hypervisor.Domain
	for _, id := range ids {
		dom, err := domain(id)
		if err != nil {
			return nil, err
		}
		state, reason, err := l.DomainGetState(dom, 0)
		if golibvirt.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if found, err = add(l, found, dom, state, reason); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// all returns all domains of Aloft's. One call gives the state of every domain.
func all(l *golibvirt.Libvirt) ([]hypervisor.Domain, error) {
	records, err := l.ConnectGetAllDomainStats(nil, uint32(golibvirt.DomainStatsState), 0)
	if err != nil {
		return nil, err
	}
	var found []hypervisor.Domain
	for _, r := range records {
		if !strings.HasPrefix(r.Dom.Name, "aloft-") {
			continue
		}
		var state, reason int32
		for _, p := range r.Params {
			value, _ := p.Value.I.(int32)
			switch p.Field {
			case "state.state":
				state = value
			case "state.reason":
				reason = value
			}
		}
		if found, err = add(l, found, r.Dom, state, reason); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// add reads a domain's metadata and appends the domain, if it is Aloft's and still there.
func add(l *golibvirt.Libvirt, to []hypervisor.Domain, dom golibvirt.Domain, state, reason int32) ([]hypervisor.Domain, error) {
	text, err := l.DomainGetMetadata(dom, int32(golibvirt.DomainMetadataElement), golibvirt.OptString{namespace}, golibvirt.DomainAffectCurrent)
	if golibvirt.IsNotFound(err) || code(err) == golibvirt.ErrNoDomainMetadata {
		return to, nil
	}
	if err != nil {
		return nil, err
	}
	meta, err := parseMetadata(text)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "domain %s carries metadata that Aloft did not write", dom.Name)
	}
	d := hypervisor.Domain{ID: uuid.UUID(dom.UUID).String(), Meta: meta}
	d.Power, d.Cause = power(golibvirt.DomainState(state), reason)
	if d.Power == protocol.Stopped && meta.Halted {
		d.Cause = protocol.CauseGuest
	}
	return append(to, d), nil
}
