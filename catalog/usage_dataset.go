package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// UsageSlug is the address of the dataset of the use.
const UsageSlug = "muc-su-dung-du-lieu-mo"

// usageFile is the name of the table that the use of the datasets is published as.
const usageFile = "muc-su-dung-theo-thang.csv"

// The table is made anew each day while it is small, and beyond that when a
// month is over: each making is a version of the file that stays.
const (
	usageRemade   = 24 * time.Hour
	usageFewLines = 10_000
)

// usageText is what is written about the dataset.
func usageText() DatasetText {
	return DatasetText{
		Slug:    UsageSlug,
		TitleVI: "Mức sử dụng dữ liệu mở theo tháng", TitleEN: "Use of the open data by month",
		NotesVI: "Mỗi bộ dữ liệu công khai được dùng bao nhiêu lần trong mỗi tháng: lượt người mở trang, lượt tải tệp, lượt chương trình gọi dòng dữ liệu.\n\n" +
			"Cổng tự đếm, không ghi địa chỉ mạng hay người dùng. Lượt mở trang của máy dò tự xưng tên và của người trong chính cơ quan không được đếm. " +
			"Tháng đang diễn ra có cột trọn tháng là không. Số liệu có thể thiếu vài giây khi máy chủ ngừng đột ngột.",
		NotesEN: "How often each public dataset was used in each month: openings of its page by people, downloads of files, calls for rows by programs.\n\n" +
			"The portal counts by itself and keeps no address and no person. Openings by programs that name themselves as robots, and by the agency's own people, are not counted. " +
			"The month under way is marked as not whole. A few seconds may be missing where a server stopped at once.",
		KeywordsVI: []string{"mức sử dụng", "lượt xem", "lượt tải", "thống kê cổng dữ liệu"},
		KeywordsEN: []string{"usage", "views", "downloads", "portal statistics"},
		Theme:      "GOVE", Frequency: "MONTHLY", Licence: "CC0-1.0",
		ProvenanceVI: "Đếm tự động trên cổng dữ liệu.", ProvenanceEN: "Counted by the portal itself.",
	}
}

// usageColumns are the columns of its table, in order, with their meaning.
func usageColumns() []Column {
	column := func(name, titleVI, titleEN, notesVI, notesEN string) Column {
		c := Column{TitleVI: titleVI, TitleEN: titleEN, NotesVI: notesVI, NotesEN: notesEN}
		c.Name = name
		return c
	}
	return []Column{
		column("thang", "Tháng", "Month", "Năm và tháng theo giờ Việt Nam", "Year and month, by the clock of Việt Nam"),
		column("bo_du_lieu", "Bộ dữ liệu", "Dataset", "Tên trong địa chỉ /dataset/…", "Its name in the address /dataset/…"),
		column("ten_bo_du_lieu", "Tên bộ dữ liệu", "Title of the dataset", "", ""),
		column("co_quan", "Cơ quan", "Agency", "Tên trong địa chỉ /agencies/…", "Its name in the address /agencies/…"),
		column("ten_co_quan", "Tên cơ quan", "Name of the agency", "", ""),
		column("luot_xem", "Lượt xem", "Views", "Lượt người mở trang của bộ dữ liệu", "Openings of the dataset's page by people"),
		column("luot_tai", "Lượt tải", "Downloads", "Lượt tải tệp, tải dòng dữ liệu thành tệp, theo liên kết", "Files, rows as a file, links followed"),
		column("luot_goi_dong", "Lượt gọi dòng", "Row calls", "Lượt chương trình hỏi một trang dòng dữ liệu", "Pages of rows asked for by programs"),
		column("tron_thang", "Trọn tháng", "Whole month", "Không: tháng đang diễn ra", "False: the month under way"),
	}
}

// UsageDataset is the dataset as which the use is published.
type UsageDataset struct {
	DatasetID      uuid.UUID `json:"dataset_id"`
	DistributionID uuid.UUID `json:"distribution_id"`
	MadeAt         time.Time `json:"made_at"` // when its table was last made
}

const (
	usageDatasetSQL = `select dataset_id, distribution_id, made_at from catalog.usage_dataset`

	beginUsageDatasetSQL = `
insert into catalog.usage_dataset (dataset_id, distribution_id, made_at) values ($1, $2, $3)
    on conflict on constraint usage_dataset_key do nothing`

	usageMadeSQL = `update catalog.usage_dataset set made_at = $1`
)

// UsageDataset gives the dataset as which the use is published; ok is false
// while there is none.
func (c *Catalog) UsageDataset(ctx context.Context) (UsageDataset, bool, error) {
	u, err := pg.One[UsageDataset](ctx, c.DB, usageDatasetSQL)
	if errors.Is(err, pgx.ErrNoRows) {
		return u, false, nil
	} else if err != nil {
		return u, false, fmt.Errorf("read which dataset holds the use: %w", err)
	}
	return u, true, nil
}

// BeginUsageDataset has an agency publish the use of the datasets: a draft with
// the table and its description, which the agency's people submit and approve
// as any other. RefreshUsage keeps it new. It fails with what May says of
// dataset.edit for the platform, Invalid for an agency that is not there, and
// Conflict when there is such a dataset.
func (c *Catalog) BeginUsageDataset(ctx context.Context, who auth.Principal, agency uuid.UUID) (Dataset, error) {
	if err := c.May(ctx, who, "dataset.edit", uuid.Nil); err != nil {
		return Dataset{}, err
	}
	if err := c.isAgency(ctx, agency); problem.Is(err, problem.Invalid) {
		return Dataset{}, problem.Errorf(problem.Invalid, "no agency %s", agency).Coded("usage-agency").Wrong("agency", "not-in-list", "is not in the list")
	} else if err != nil {
		return Dataset{}, err
	}
	taken := problem.Errorf(problem.Conflict, "the use is published already").Coded("usage-published")
	if _, there, err := c.UsageDataset(ctx); err != nil {
		return Dataset{}, err
	} else if there {
		return Dataset{}, taken
	}
	d, err := c.usageDraft(ctx, who, agency)
	if err != nil {
		return Dataset{}, err
	}
	part, err := c.addUsageTable(ctx, who, d)
	if err != nil {
		return Dataset{}, err
	}
	tag, err := c.DB.Exec(ctx, beginUsageDatasetSQL, d.ID, part, c.Now().UTC())
	if err != nil {
		return Dataset{}, fmt.Errorf("note that %s holds the use: %w", d.ID, err)
	}
	if tag.RowsAffected() == 0 { // somebody was quicker; the slug lets only one get here
		return Dataset{}, taken
	}
	return c.Dataset(ctx, who, d.ID)
}

// usageDraft is the draft to be filled: a new one, or that of an attempt which
// was broken off.
func (c *Catalog) usageDraft(ctx context.Context, who auth.Principal, agency uuid.UUID) (Dataset, error) {
	d, err := c.DatasetBySlug(ctx, who, UsageSlug)
	if err == nil && d.AgencyID == agency && d.State == Draft && len(d.Distributions) <= 1 {
		return d, nil
	} else if err != nil && !isHidden(err) {
		return Dataset{}, err
	}
	return c.CreateDataset(ctx, who, agency, usageText())
}

// addUsageTable gives a draft its table and says what the columns mean.
func (c *Catalog) addUsageTable(ctx context.Context, who auth.Principal, d Dataset) (uuid.UUID, error) {
	file, _, err := c.usageTable(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	defer file.Close()
	up := Upload{TitleVI: "Bảng theo tháng", TitleEN: "Table by month", FileName: usageFile, Body: file}
	var part Distribution
	if len(d.Distributions) > 0 {
		part, err = c.ReplaceFile(ctx, who, d.Distributions[0].ID, up)
	} else {
		part, err = c.AddDistribution(ctx, who, d.ID, up)
	}
	if err != nil {
		return uuid.Nil, err
	}
	columns, err := c.Columns(ctx, who, part.ID)
	if err != nil {
		return uuid.Nil, err
	}
	for i, column := range columns {
		meant := slices.IndexFunc(usageColumns(), func(u Column) bool { return u.Name == column.Name })
		if meant >= 0 {
			columns[i] = usageColumns()[meant]
			columns[i].Column = column.Column
		}
	}
	return part.ID, c.DescribeColumns(ctx, who, part.ID, columns)
}

// RefreshUsage makes the table of the use anew when it is time: each day while
// it has at most 10,000 lines, else when a month is over. A table that says the
// same as before is no new version. While it is not public it waits.
func (c *Catalog) RefreshUsage(ctx context.Context) error {
	u, there, err := c.UsageDataset(ctx)
	if err != nil || !there {
		return err
	}
	who := auth.Platform("usage")
	part, err := c.Distribution(ctx, who, u.DistributionID)
	if isHidden(err) {
		return nil
	} else if err != nil {
		return err
	}
	now := c.Now()
	small := part.Rows != nil && *part.Rows <= usageFewLines && now.Sub(u.MadeAt) >= usageRemade
	if !small && usageMonth(now).Equal(usageMonth(u.MadeAt)) {
		return nil
	}
	file, hash, err := c.usageTable(ctx)
	if err != nil {
		return err
	}
	defer file.Close()
	if hash != part.Hash {
		if _, err := c.ReplaceFile(ctx, who, part.ID, Upload{FileName: usageFile, Body: file}); err != nil {
			return err
		}
	}
	if _, err := c.DB.Exec(ctx, usageMadeSQL, now.UTC()); err != nil {
		return fmt.Errorf("note that the use was published: %w", err)
	}
	return nil
}

// A line for each dataset and month since counting began, also where it was not
// used; of a month before it was public there is none.
const usageTableSQL = `
with months as (
  select generate_series(coalesce((select min(month) from catalog.usage), $1::date), $1::date, interval '1 month')::date as month)
select to_char(m.month, 'YYYY-MM') as month, d.slug, d.title_vi, d.agency_id, coalesce(u.views, 0) as views,
       coalesce(u.downloads, 0) as downloads, coalesce(u.row_calls, 0) as row_calls, m.month < $1::date as whole
  from months m
  join catalog.dataset d on d.state = 'published' and d.published_at < (m.month + interval '1 month') at time zone 'Asia/Ho_Chi_Minh'
  left join (select dataset_id, month, sum(views)::bigint as views, sum(downloads)::bigint as downloads, sum(row_calls)::bigint as row_calls
               from catalog.usage group by dataset_id, month) u on u.dataset_id = d.id and u.month = m.month
 order by m.month, d.slug`

const publishersSQL = `select distinct agency_id from catalog.dataset where state = 'published'`

// usageTable writes the table into a file without a name, which lives until it
// is closed, and gives its SHA-256 too.
func (c *Catalog) usageTable(ctx context.Context) (*os.File, string, error) {
	rows, _ := c.DB.Query(ctx, publishersSQL) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, "", fmt.Errorf("read who publishes: %w", err)
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	file, err := c.Files.Scratch()
	if err != nil {
		return nil, "", fmt.Errorf("begin the table of the use: %w", err)
	}
	hash, err := c.writeUsage(ctx, file, agencies)
	err = errors.Join(err, os.Remove(file.Name()))
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, "", fmt.Errorf("write the table of the use to %s: %w", filepath.Base(file.Name()), err)
	}
	return file, hash, nil
}

func (c *Catalog) writeUsage(ctx context.Context, file io.Writer, agencies map[uuid.UUID]Agency) (string, error) {
	sum := sha256.New()
	out := csv.NewWriter(io.MultiWriter(file, sum))
	var head []string
	for _, column := range usageColumns() {
		head = append(head, column.Name)
	}
	if err := out.Write(head); err != nil {
		return "", err
	}
	rows, err := c.DB.Query(ctx, usageTableSQL, usageMonth(c.Now()))
	if err != nil {
		return "", err
	}
	var month, slug, title string
	var agency uuid.UUID
	var u UsageCounts
	var whole bool
	_, err = pgx.ForEachRow(rows, []any{&month, &slug, &title, &agency, &u.Views, &u.Downloads, &u.RowCalls, &whole}, func() error {
		a := agencies[agency]
		return out.Write([]string{month, slug, title, a.Slug, a.TitleVI, strconv.FormatInt(u.Views, 10),
			strconv.FormatInt(u.Downloads, 10), strconv.FormatInt(u.RowCalls, 10), strconv.FormatBool(whole)})
	})
	if err != nil {
		return "", err
	}
	out.Flush()
	return hex.EncodeToString(sum.Sum(nil)), out.Error()
}
