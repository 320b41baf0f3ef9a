// Package api speaks OpenStack's Image service API v2 for package image.
//
// Source: the Image service API v2 reference of OpenStack, up to version 2.7.
package api

import (
	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
)

type api struct{ core *image.Service }

// Service is the table of the image routes.
func Service(core *image.Service) rest.Service {
	a := &api{core}
	s := rest.Service{Type: "image", Prefix: "/image", Errors: rest.GlanceErrors}
	s.Routes = append(s.Routes, discovery()...)
	s.Routes = append(s.Routes, a.images()...)
	s.Routes = append(s.Routes, a.data()...)
	s.Routes = append(s.Routes, a.members()...)
	return s
}

func (a *api) images() []rest.Route {
	reader, member, admin := auth.ProjectReader, auth.ProjectMember, auth.AdminOnly
	return []rest.Route{
		{Method: "GET", Path: "/v2/images", Policy: auth.P("get_images", reader), Doc: "Lists images.", Do: rest.Do(a.listImages)},
		{
			Method: "POST", Path: "/v2/images", Policy: auth.P("add_image", member), Audit: "image.image.create",
			Doc: "Makes an image without data.", Do: rest.Do(a.createImage),
		},
		{Method: "GET", Path: "/v2/images/{image_id}", Policy: auth.P("get_image", reader), Doc: "Shows an image.", Do: rest.Do(a.showImage)},
		{
			Method: "PATCH", Path: "/v2/images/{image_id}", Policy: auth.P("modify_image", member), Audit: "image.image.update",
			Doc: "Changes an image by a JSON patch.", Do: rest.Do(a.patchImage),
		},
		{
			Method: "DELETE", Path: "/v2/images/{image_id}", Policy: auth.P("delete_image", member), Audit: "image.image.delete",
			Doc: "Deletes an image and its data.", Do: rest.Do(a.deleteImage),
		},
		{
			Method: "PUT", Path: "/v2/images/{image_id}/tags/{tag}", Policy: auth.P("modify_image", member), Audit: "image.tag.add",
			Status: 204, Doc: "Adds a tag to an image.", Do: rest.Do(a.addTag),
		},
		{
			Method: "DELETE", Path: "/v2/images/{image_id}/tags/{tag}", Policy: auth.P("modify_image", member), Audit: "image.tag.remove",
			Doc: "Removes a tag from an image.", Do: rest.Do(a.removeTag),
		},
		{
			Method: "POST", Path: "/v2/images/{image_id}/actions/deactivate", Policy: auth.P("deactivate", admin), Audit: "image.image.deactivate",
			Status: 204, Doc: "Stops the use of an image's data.", Do: rest.Do(a.deactivate),
		},
		{
			Method: "POST", Path: "/v2/images/{image_id}/actions/reactivate", Policy: auth.P("reactivate", admin), Audit: "image.image.reactivate",
			Status: 204, Doc: "Allows the use of an image's data again.", Do: rest.Do(a.reactivate),
		},
	}
}

func (a *api) data() []rest.Route {
	return []rest.Route{
		{
			Method: "PUT", Path: "/v2/images/{image_id}/file", Policy: auth.P("upload_image", auth.ProjectMember), Audit: "image.image.upload",
			Status: 204, Doc: "Uploads the data of an image.", Do: rest.Do(a.upload),
		},
		{
			Method: "GET", Path: "/v2/images/{image_id}/file", Policy: auth.P("download_image", auth.ProjectReader),
			Doc: "Downloads the data of an image, or a range of it.", Do: rest.Do(a.download),
		},
	}
}

func (a *api) members() []rest.Route {
	reader, member := auth.ProjectReader, auth.ProjectMember
	return []rest.Route{
		{
			Method: "GET", Path: "/v2/images/{image_id}/members", Policy: auth.P("get_members", reader),
			Doc: "Lists the projects that an image is shared with.", Do: rest.Do(a.listMembers),
		},
		{
			Method: "POST", Path: "/v2/images/{image_id}/members", Policy: auth.P("add_member", member), Audit: "image.member.create",
			Status: 200, Doc: "Shares an image with a project.", Do: rest.Do(a.addMember),
		},
		{
			Method: "GET", Path: "/v2/images/{image_id}/members/{member_id}", Policy: auth.P("get_member", reader),
			Doc: "Shows a project that an image is shared with.", Do: rest.Do(a.showMember),
		},
		{
			Method: "PUT", Path: "/v2/images/{image_id}/members/{member_id}", Policy: auth.P("modify_member", member), Audit: "image.member.update",
			Doc: "Accepts or rejects a shared image.", Do: rest.Do(a.setMember),
		},
		{
			Method: "DELETE", Path: "/v2/images/{image_id}/members/{member_id}", Policy: auth.P("delete_member", member), Audit: "image.member.delete",
			Doc: "Shares an image with a project no more.", Do: rest.Do(a.removeMember),
		},
	}
}
