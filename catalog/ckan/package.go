package ckan

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/pg"
)

// pack is a dataset as CKAN's clients validate it.
type pack struct {
	Author                 *string           `json:"author"`
	AuthorEmail            *string           `json:"author_email"`
	CreatorUserID          *string           `json:"creator_user_id"`
	ID                     uuid.UUID         `json:"id"`
	IsOpen                 bool              `json:"isopen"`
	LicenseID              *string           `json:"license_id"`
	LicenseTitle           *string           `json:"license_title"`
	LicenseURL             string            `json:"license_url,omitempty"`
	Maintainer             *string           `json:"maintainer"`
	MaintainerEmail        *string           `json:"maintainer_email"`
	MetadataCreated        string            `json:"metadata_created"`
	MetadataModified       string            `json:"metadata_modified"`
	Name                   string            `json:"name"`
	Notes                  *string           `json:"notes"`
	NotesTranslated        map[string]string `json:"notes_translated,omitempty"`
	NumResources           int               `json:"num_resources"`
	NumTags                int               `json:"num_tags"`
	Organization           *organization     `json:"organization"`
	OwnerOrg               uuid.UUID         `json:"owner_org"`
	Private                bool              `json:"private"`
	State                  string            `json:"state"`
	Title                  string            `json:"title"`
	TitleTranslated        map[string]string `json:"title_translated,omitempty"`
	Type                   string            `json:"type"`
	URL                    *string           `json:"url"`
	Version                *string           `json:"version"`
	Extras                 []pair            `json:"extras"`
	Groups                 []groupBrief      `json:"groups"`
	Resources              []resource        `json:"resources"`
	Tags                   []tag             `json:"tags"`
	RelationshipsAsSubject []string          `json:"relationships_as_subject"`
	RelationshipsAsObject  []string          `json:"relationships_as_object"`
}

// pair is one extra.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// organization is an agency as it stands inside a package.
type organization struct {
	ID             uuid.UUID `json:"id"`
	Name           string    `json:"name"`
	Title          string    `json:"title"`
	Type           string    `json:"type"`
	Description    string    `json:"description"`
	ImageURL       string    `json:"image_url"`
	Created        string    `json:"created"`
	IsOrganization bool      `json:"is_organization"`
	ApprovalStatus string    `json:"approval_status"`
	State          string    `json:"state"`
}

func (o Organization) inside() *organization {
	return &organization{ID: o.ID, Name: o.Slug, Title: o.TitleVI, Type: "organization", Description: o.Description,
		Created: naive(o.Created), IsOrganization: true, ApprovalStatus: "approved", State: "active"}
}

// groupBrief is a theme as it stands inside a package.
type groupBrief struct {
	Description     string    `json:"description"`
	DisplayName     string    `json:"display_name"`
	ID              uuid.UUID `json:"id"`
	ImageDisplayURL string    `json:"image_display_url"`
	Name            string    `json:"name"`
	Title           string    `json:"title"`
}

// tag is a keyword.
type tag struct {
	DisplayName  string    `json:"display_name"`
	ID           uuid.UUID `json:"id"`
	Name         string    `json:"name"`
	State        string    `json:"state,omitempty"`
	VocabularyID *string   `json:"vocabulary_id"`
}

func tagOf(name string) tag {
	return tag{DisplayName: name, ID: named("tag", name), Name: name, State: "active"}
}

// named is the id of a thing that has none of its own, the same at any time
// (RFC 9562 §5.5).
func named(kind, name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:lgsp:ckan:"+kind+":"+name))
}

// resource is a file of a dataset.
type resource struct {
	CacheLastUpdated *string   `json:"cache_last_updated"`
	CacheURL         *string   `json:"cache_url"`
	Created          string    `json:"created"`
	DatastoreActive  bool      `json:"datastore_active"`
	Description      string    `json:"description"`
	Format           string    `json:"format"`
	Hash             string    `json:"hash"`
	ID               uuid.UUID `json:"id"`
	LastModified     *string   `json:"last_modified"`
	MetadataModified string    `json:"metadata_modified"`
	MimeType         *string   `json:"mimetype"`
	MimeTypeInner    *string   `json:"mimetype_inner"`
	Name             *string   `json:"name"`
	PackageID        uuid.UUID `json:"package_id"`
	Position         int       `json:"position"`
	ResourceType     *string   `json:"resource_type"`
	Size             *int64    `json:"size"`
	State            string    `json:"state"`
	URL              string    `json:"url"`
	URLType          *string   `json:"url_type"`
}

// naive is a time as CKAN writes it: UTC, microseconds, no zone.
func naive(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000") }

// given is a text, or null for none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *Server) resource(d catalog.Distribution) resource {
	at := naive(d.UploadedAt)
	address, kind := s.Origin+"/dataset/"+d.DatasetID.String()+"/resource/"+d.ID.String()+"/download/"+url.PathEscape(d.FileName), given("upload")
	size := &d.Size
	if d.LinkURL != "" { // it lies elsewhere
		address, kind = d.LinkURL, nil
		if d.Size == 0 {
			size = nil // nobody said
		}
	}
	return resource{
		Created: naive(d.CreatedAt), DatastoreActive: d.RowsTable != "", Format: d.Format, Hash: d.Hash, ID: d.ID,
		LastModified: &at, MetadataModified: at, MimeType: given(d.MediaType), Name: given(d.TitleVI), Description: d.TitleEN,
		PackageID: d.DatasetID, Position: d.Position - 1, ResourceType: given("file"), Size: size, State: "active",
		URL: address, URLType: kind,
	}
}

const packageRowsSQL = `select id, tags, modified_at from catalog.package_index where id = any($1)`

type packageRow struct {
	ID         uuid.UUID
	Tags       []string
	ModifiedAt time.Time
}

// packages are the datasets of those ids, in that order, in four queries; what
// the caller may not see is left out.
func (s *Server) packages(c *call, ids []uuid.UUID) ([]pack, error) {
	list := make([]pack, 0, len(ids))
	if len(ids) == 0 {
		return list, nil
	}
	datasets, err := s.Catalog.Datasets(c.ctx, c.who, ids)
	if err != nil {
		return nil, err
	}
	rows, err := pg.All[packageRow](c.ctx, s.DB, packageRowsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d packages: %w", len(ids), err)
	}
	indexed := make(map[uuid.UUID]packageRow, len(rows))
	for _, row := range rows {
		indexed[row.ID] = row
	}
	var agencies []uuid.UUID
	for _, d := range datasets {
		if !slices.Contains(agencies, d.AgencyID) {
			agencies = append(agencies, d.AgencyID)
		}
	}
	known, err := s.Organizations(c.ctx, agencies)
	if err != nil {
		return nil, err
	}
	for _, d := range datasets {
		list = append(list, s.pack(d, indexed[d.ID], known[d.AgencyID]))
	}
	return list, nil
}

func (s *Server) pack(d catalog.Dataset, row packageRow, of Organization) pack {
	licence := licenceOf(d.Licence)
	p := pack{
		Author: given(of.TitleVI), ID: d.ID, IsOpen: true,
		LicenseID: given(d.Licence), LicenseTitle: given(licence.TitleVI), LicenseURL: licence.URL,
		Maintainer: given(d.ContactName), MaintainerEmail: given(d.ContactEmail),
		MetadataCreated: naive(d.CreatedAt), MetadataModified: naive(row.ModifiedAt),
		Name: d.Slug, Notes: given(d.NotesVI), NumResources: len(d.Distributions), NumTags: len(row.Tags),
		Organization: of.inside(), OwnerOrg: d.AgencyID, Private: d.State != catalog.Published, State: stateOf(d.State),
		Title: d.TitleVI, Type: "dataset", URL: given(d.SourceURL),
		Extras: extrasOf(d), Groups: []groupBrief{}, Resources: []resource{}, Tags: []tag{},
		RelationshipsAsSubject: []string{}, RelationshipsAsObject: []string{},
	}
	if d.TitleEN != "" || d.NotesEN != "" {
		p.TitleTranslated = map[string]string{"vi": d.TitleVI, "en": d.TitleEN}
		p.NotesTranslated = map[string]string{"vi": d.NotesVI, "en": d.NotesEN}
	}
	if g, ok := groupNamed(d.Theme); ok {
		p.Groups = append(p.Groups, g.brief())
	}
	for _, name := range row.Tags {
		p.Tags = append(p.Tags, tagOf(name))
	}
	for _, part := range d.Distributions {
		p.Resources = append(p.Resources, s.resource(part))
	}
	return p
}

// stateOf is CKAN's word for a dataset's state: what is on its way is a draft.
func stateOf(state string) string {
	if slices.Contains(underway, state) {
		return "draft"
	}
	return "active"
}

// extrasOf are the facts that CKAN has no field for; harvesters know the names.
// Behind them come those of the agency's own fields that the caller may see.
func extrasOf(d catalog.Dataset) []pair {
	list := []pair{}
	for _, p := range []pair{
		{"frequency", d.Frequency}, {"theme", themeURL(d.Theme)}, {"language", "vi"}, {"spatial-text", d.Spatial},
		{"temporal_start", d.TemporalStart}, {"temporal_end", d.TemporalEnd},
		{"source_document", d.SourceDocument}, {"contact_phone", d.ContactPhone},
	} {
		if p.Value != "" {
			list = append(list, p)
		}
	}
	for _, h := range d.OwnFields() {
		list = append(list, pair{h.Name, extraOf(h.Value)})
	}
	return list
}

// extraOf is a value of an agency's own field as an extra, which is a text: of
// a multiple choice the list in JSON, as CKAN's clients know it.
func extraOf(v catalog.OwnValue) string {
	if v.Many == nil {
		return v.Text
	}
	list, _ := json.Marshal(v.Many) // texts can be written
	return string(list)
}

func themeURL(id string) string {
	for _, t := range catalog.Themes() {
		if t.ID == id {
			return t.URL
		}
	}
	return ""
}

const packageNamedSQL = `select id from catalog.package_index where name = $1`

// packageID finds a package by its id or name; whether the caller sees it is
// told when it is read.
func (s *Server) packageID(c *call, name string) (uuid.UUID, error) {
	if id, err := uuid.Parse(name); err == nil {
		return id, nil
	}
	rows, err := pg.All[struct{ ID uuid.UUID }](c.ctx, s.DB, packageNamedSQL, name)
	if err != nil {
		return uuid.Nil, fmt.Errorf("find package %s: %w", name, err)
	}
	if len(rows) == 0 {
		return uuid.Nil, missing("")
	}
	return rows[0].ID, nil
}

// packageByName is the package that an action names.
func (s *Server) packageByName(c *call, names ...string) (pack, error) {
	name, err := c.needed(names...)
	if err != nil {
		return pack{}, err
	}
	id, err := s.packageID(c, name)
	if err != nil {
		return pack{}, err
	}
	list, err := s.packages(c, []uuid.UUID{id})
	if err == nil && len(list) == 0 {
		err = missing("")
	}
	if err != nil {
		return pack{}, err
	}
	return list[0], nil
}

func packageShow(s *Server, c *call) (any, error) {
	return s.packageByName(c, "id", "name_or_id", "name")
}

const packageNamesSQL = `
select name
  from catalog.package_index
 where state = 'published'
 order by name collate "C"
 limit $1 offset $2`

func packageList(s *Server, c *call) (any, error) {
	limit, offset, err := c.page(nil)
	if err != nil {
		return nil, err
	}
	rows, err := pg.All[struct{ Name string }](c.ctx, s.DB, packageNamesSQL, limit, offset)
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	return names, nil
}

// page is limit and offset; without a limit all, or what stands for none.
func (c *call) page(none *int) (limit *int, offset int, err error) {
	limit = none
	if c.has("limit") && c.params["limit"] != "" {
		n, err := c.number("limit", 0)
		if err != nil {
			return nil, 0, err
		}
		limit = &n
	}
	offset, err = c.number("offset", 0)
	return limit, offset, err
}

func packagesWithResources(s *Server, c *call) (any, error) {
	most := maxRows
	limit, offset, err := c.page(&most)
	if err != nil {
		return nil, err
	}
	q := search{query: &node{kind: every}, sort: []order{{"metadata_modified", true}}, rows: min(*limit, maxRows), start: offset}
	f, err := s.find(c, q)
	if err != nil {
		return nil, err
	}
	return s.packages(c, f.ids)
}

func resourceShow(s *Server, c *call) (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	d, err := s.Catalog.Distribution(c.ctx, c.who, id)
	if err != nil {
		return nil, err
	}
	return s.resource(d), nil
}

// licenceOf finds a licence; one that the list lacks has its id for title.
func licenceOf(id string) catalog.Code {
	for _, l := range catalog.Licences() {
		if l.ID == id {
			return l
		}
	}
	return catalog.Code{ID: id, TitleVI: id, TitleEN: id}
}

// licence is an entry of CKAN's register of licences.
type licence struct {
	DomainContent  bool   `json:"domain_content"`
	DomainData     bool   `json:"domain_data"`
	DomainSoftware bool   `json:"domain_software"`
	Family         string `json:"family"`
	ID             string `json:"id"`
	IsGeneric      bool   `json:"is_generic"`
	Maintainer     string `json:"maintainer"`
	ODConformance  string `json:"od_conformance"`
	OSDConformance string `json:"osd_conformance"`
	Status         string `json:"status"`
	Title          string `json:"title"`
	URL            string `json:"url"`
}

func licenseList(*Server, *call) (any, error) {
	list := []licence{}
	for _, l := range catalog.Licences() {
		one := licence{DomainContent: true, DomainData: true, ID: l.ID, ODConformance: "approved", OSDConformance: "not reviewed",
			Status: "active", Title: l.TitleVI, URL: l.URL}
		switch {
		case strings.HasPrefix(l.ID, "CC"):
			one.Family, one.Maintainer = "Creative Commons", "Creative Commons"
		case strings.HasPrefix(l.ID, "ODC"):
			one.Family, one.Maintainer, one.DomainContent = "Open Data Commons", "Open Knowledge Foundation", false
		}
		list = append(list, one)
	}
	return list, nil
}

func statusShow(s *Server, _ *call) (any, error) {
	return map[string]any{
		"site_title": s.TitleVI, "site_description": s.DescriptionVI, "site_url": s.Origin, "error_emails_to": nil,
		"locale_default": "vi", "extensions": []string{"activity", "datastore"}, "ckan_version": Version,
	}, nil
}
