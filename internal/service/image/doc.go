// Package image keeps the disk images that servers start from: who may see them, what they are, and their bytes.
//
// Words: an image is queued (known, without data), saving (data is arriving), active (data is there and checked) or
// deactivated (an operator has stopped its use). Its visibility says who sees it: private its project; shared its
// project and the members that were given it; community everyone who asks for it; public everyone.
//
// The bytes are files in one folder, named by their upload and not by their image. The row is written before its file
// and names it, so a file that no row names is waste, whenever a process dies: Sweep removes it. An upload renews a
// lease in its row; when the lease runs out the image is queued again.
//
// Nothing is believed of a file but its content: see package inspect.
//
// Sources: the Image service API v2 reference of OpenStack.
package image
