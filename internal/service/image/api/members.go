package api

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

type memberWire struct {
	ImageID   string `json:"image_id"`
	MemberID  string `json:"member_id"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	Schema    string `json:"schema"`
}

type membersWire struct {
	Members []memberWire `json:"members"`
	Schema  string       `json:"schema"`
}

func memberOut(m image.Member) memberWire {
	return memberWire{m.ImageID, m.ProjectID, string(m.Status), stamp(m.CreatedAt), stamp(m.UpdatedAt), "/v2/schemas/member"}
}

type memberIn struct {
	ID     string `path:"image_id"`
	Member string `path:"member_id"`
}

func (a *api) listMembers(ctx context.Context, in imageIn) (membersWire, error) {
	members, err := a.core.Members(ctx, auth.From(ctx), in.ID)
	out := membersWire{Schema: "/v2/schemas/members"}
	for _, m := range members {
		out.Members = append(out.Members, memberOut(m))
	}
	return out, err
}

func (a *api) showMember(ctx context.Context, in memberIn) (memberWire, error) {
	m, err := a.core.Member(ctx, auth.From(ctx), in.ID, in.Member)
	return memberOut(m), err
}

type addMemberIn struct {
	ID     string `path:"image_id"`
	Member string `body:"member" check:"required,max=255"`
}

func (a *api) addMember(ctx context.Context, in addMemberIn) (memberWire, error) {
	m, err := a.core.AddMember(ctx, auth.From(ctx), in.ID, in.Member)
	return memberOut(m), err
}

type setMemberIn struct {
	memberIn
	Status string `body:"status" check:"required"`
}

func (a *api) setMember(ctx context.Context, in setMemberIn) (memberWire, error) {
	m, err := a.core.SetMemberStatus(ctx, auth.From(ctx), in.ID, in.Member, image.MemberStatus(in.Status))
	return memberOut(m), err
}

func (a *api) removeMember(ctx context.Context, in memberIn) (rest.None, error) {
	return rest.None{}, a.core.RemoveMember(ctx, auth.From(ctx), in.ID, in.Member)
}
