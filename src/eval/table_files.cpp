// Tables as text.
#include <algorithm>

#include "core/str.h"
#include "eval/tables.h"

namespace reasonbrain::eval {
namespace {

// Columns on a terminal: code points, as no wide or combining characters occur.
size_t display_width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string escape_latex(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("_%&#${}").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      out += str('\\', c, "{}");
    } else {
      out += c;
    }
  }
  return out;
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Titles of columns are names of scenarios, which may hold anything.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string markdown_text(const std::string& text) {
  return replace_all(replace_all(one_line(text), "\\", "\\\\"), "|", "\\|");
}

std::string latex_text(const std::string& text) {
  std::string out = replace_all(escape_latex(one_line(text)), "↑", "$\\uparrow$");
  out = replace_all(out, "↓", "$\\downarrow$");
  return replace_all(out, "–", "--");
}

std::string markdown_cell(const TableCell& cell) {
  if (cell.best) return "**" + cell.text + "**";
  if (cell.second) return "<u>" + cell.text + "</u>";
  return cell.text;
}

std::string latex_cell(const TableCell& cell) {
  const std::string text = latex_text(cell.text);
  if (cell.best) return "\\textbf{" + text + "}";
  if (cell.second) return "\\underline{" + text + "}";
  return text;
}

std::string markdown_table(const Table& table) {
  std::vector<std::vector<std::string>> lines(1);
  for (const std::string& column : table.columns) lines[0].push_back(markdown_text(column));
  for (size_t r = 0; r < table.rows.size(); ++r) {
    std::vector<std::string> line = {table.row_names[r]};
    for (const TableCell& cell : table.rows[r]) line.push_back(markdown_cell(cell));
    lines.push_back(line);
  }
  std::vector<size_t> widths(table.columns.size(), 3);
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c)
      widths[c] = std::max(widths[c], display_width(line[c]));
  }
  std::string out = "### " + table.caption + "\n\n";
  for (size_t l = 0; l < lines.size(); ++l) {
    for (size_t c = 0; c < widths.size(); ++c) {
      out += "| " + lines[l][c] + std::string(widths[c] - display_width(lines[l][c]) + 1, ' ');
    }
    out += "|\n";
    if (l > 0) continue;
    for (size_t c = 0; c < widths.size(); ++c) {
      out += "|" + std::string(widths[c] + 1, '-') + (c == 0 ? "-" : ":");
    }
    out += "|\n";
  }
  return out + "\n";
}

std::string latex_table(const Table& table) {
  std::string out = "\\begin{table}\n\\centering\n\\caption{" + latex_text(table.caption) + "}\n" +
                    "\\begin{tabular}{l" + std::string(table.columns.size() - 1, 'r') +
                    "}\n\\toprule\n";
  for (size_t c = 0; c < table.columns.size(); ++c) {
    out += (c > 0 ? " & " : "") + latex_text(table.columns[c]);
  }
  out += " \\\\\n\\midrule\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    if (r == table.num_methods && r > 0) out += "\\midrule\n";
    out += latex_text(table.row_names[r]);
    for (const TableCell& cell : table.rows[r]) out += " & " + latex_cell(cell);
    out += " \\\\\n";
  }
  return out + "\\bottomrule\n\\end{tabular}\n\\end{table}\n\n";
}

}  // namespace

std::string tables_markdown(const std::vector<Table>& tables, const std::string& note) {
  std::string out;
  for (const Table& table : tables) out += markdown_table(table);
  return out + note + "\n";
}

std::string tables_latex(const std::vector<Table>& tables, const std::string& note) {
  std::string out = "% \\usepackage{booktabs}\n\n";
  for (const Table& table : tables) out += latex_table(table);
  return out + "\\noindent " + latex_text(note) + "\n";
}

}  // namespace reasonbrain::eval
