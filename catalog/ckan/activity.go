package ckan

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// activity is one thing that happened to a dataset. Who did it is the
// agency's own affair, so that user_id is the agency.
type activity struct {
	ID           uuid.UUID      `json:"id"`
	Timestamp    string         `json:"timestamp"`
	UserID       uuid.UUID      `json:"user_id"`
	ObjectID     uuid.UUID      `json:"object_id"`
	ActivityType string         `json:"activity_type"`
	Data         map[string]any `json:"data"`
}

func activityOf(p pack, kind, at string) activity {
	return activity{ID: named("activity", p.ID.String()+" "+kind+" "+at), Timestamp: at, UserID: p.OwnerOrg, ObjectID: p.ID, ActivityType: kind,
		Data: map[string]any{"package": map[string]any{"id": p.ID, "name": p.Name, "title": p.Title, "type": p.Type, "owner_org": p.OwnerOrg}}}
}

// The most activities of one answer, and how many come unasked.
const (
	maxActivities     = 100
	defaultActivities = 31
)

func (c *call) activityPage() (limit, offset int, err error) {
	if limit, err = c.number("limit", defaultActivities); err != nil {
		return 0, 0, err
	}
	offset, err = c.number("offset", 0)
	return min(limit, maxActivities), offset, err
}

// recentlyChanged lists the last change of each package, newest first.
func recentlyChanged(s *Server, c *call) (any, error) {
	limit, offset, err := c.activityPage()
	if err != nil {
		return nil, err
	}
	f, err := s.find(c, search{query: &node{kind: every}, sort: []order{{"metadata_modified", true}}, rows: limit, start: offset})
	if err != nil {
		return nil, err
	}
	packages, err := s.packages(c, f.ids)
	if err != nil {
		return nil, err
	}
	list := []activity{}
	for _, p := range packages {
		list = append(list, activityOf(p, "changed package", p.MetadataModified))
	}
	return list, nil
}

// packageActivity lists what is public of a package's past: its publication,
// its files, its last change; newest first.
func packageActivity(s *Server, c *call) (any, error) {
	p, err := s.packageByName(c, "id")
	if err != nil {
		return nil, err
	}
	limit, offset, err := c.activityPage()
	if err != nil {
		return nil, err
	}
	list := []activity{activityOf(p, "changed package", p.MetadataModified)}
	datasets, err := s.Catalog.Datasets(c.ctx, c.who, []uuid.UUID{p.ID})
	if err != nil {
		return nil, err
	}
	for _, d := range datasets {
		if d.PublishedAt == nil {
			list = append(list, activityOf(p, "new package", p.MetadataCreated))
			continue
		}
		list = append(list, activityOf(p, "new package", naive(*d.PublishedAt)))
		for _, part := range d.Distributions {
			versions, err := s.Catalog.FileVersions(c.ctx, c.who, part.ID)
			if err != nil {
				return nil, err
			}
			for _, v := range versions {
				if v.UploadedAt.After(*d.PublishedAt) {
					list = append(list, activityOf(p, "changed package", naive(v.UploadedAt)))
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b activity) int {
		return cmp.Or(cmp.Compare(b.Timestamp, a.Timestamp), cmp.Compare(a.ActivityType, b.ActivityType))
	})
	list = slices.CompactFunc(list, func(a, b activity) bool { return a.ID == b.ID })
	list = list[min(offset, len(list)):]
	return list[:min(limit, len(list))], nil
}
