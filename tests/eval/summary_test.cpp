#include "eval/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/expect_error.h"
#include "core/str.h"
#include "eval/tables.h"
#include "support.h"

namespace reasonbrain::eval {
namespace {

// ours: a right, b wrong, c failed, d right.
Results example() {
  Results results;
  results.protocol = "grey";
  results.metrics = GreyProtocol().metrics();
  results.group_metric = "right";
  for (const char* id : {"a", "b", "c"}) {
    results.samples.push_back({id, "ice", "physical", *id == 'c' ? "" : "pair", "", "", {}});
  }
  results.samples.push_back({"d", "tiles", "causal", "", "", "", {}});
  const std::optional<double> none;
  const auto outcome = [](std::optional<double> right, std::optional<double> close) {
    return Outcome{{{right, close}, "other"}, ""};
  };
  results.methods.push_back(
      {"ours",
       false,
       0,
       {outcome(1, 1), outcome(0, 0.5), {{{none, none}, ""}, "missing"}, outcome(1, none)}});
  results.methods.push_back(
      {"oracle", true, 0, {outcome(1, 1), outcome(1, 1), outcome(1, 1), outcome(1, none)}});
  return results;
}

const Cell& cell(const MethodSummary& method, const std::string& name) {
  return *std::find_if(method.cells.begin(), method.cells.end(),
                       [&](const Cell& c) { return c.name == name; });
}

TEST(Summary, MeansAndCounts) {
  const Summary summary = summarize(example(), 100, 1);
  const MethodSummary& ours = summary.methods[0];
  EXPECT_DOUBLE_EQ(*cell(ours, "physical").means[0], 0.5);
  EXPECT_DOUBLE_EQ(*cell(ours, "ice").means[1], 0.75);
  EXPECT_DOUBLE_EQ(*cell(ours, "causal").means[0], 1.0);
  EXPECT_FALSE(cell(ours, "causal").means[1].has_value());
  EXPECT_DOUBLE_EQ(*cell(ours, "macro").means[0], 0.75);
  EXPECT_DOUBLE_EQ(*cell(ours, "macro").means[1], 0.75);
  EXPECT_DOUBLE_EQ(*cell(ours, "micro").means[0], 2.0 / 3.0);
  EXPECT_EQ(cell(ours, "macro").num_samples, 3);
  EXPECT_EQ(cell(ours, "macro").num_failed, 1);
  EXPECT_EQ(cell(ours, "causal").num_failed, 0);
}

TEST(Summary, APairIsRightWhenAllItsMembersAre) {
  const Summary summary = summarize(example(), 10, 1);
  EXPECT_EQ(summary.methods[0].macro().num_groups, 1);
  EXPECT_EQ(summary.methods[0].macro().num_groups_right, 0);
  EXPECT_EQ(summary.methods[1].macro().num_groups_right, 1);
}

TEST(Summary, JsonHasTheContractsKeys) {
  const Results results = example();
  const nlohmann::json json = summary_json(results, summarize(results, 100, 1));
  EXPECT_DOUBLE_EQ(json["ours"]["macro"]["right"].get<double>(), 0.75);
  EXPECT_EQ(json["ours"]["ice"]["n"], 2);
  EXPECT_EQ(json["ours"]["ice"]["n_failed"], 1);
  EXPECT_TRUE(json["ours"]["tiles"]["closeness"].is_null());
  EXPECT_EQ(json["ours"]["macro"]["ci"]["right"].size(), 2u);
  EXPECT_EQ(json["oracle"]["macro"]["pairs"]["share"], 1.0);
}

TEST(Summary, PerSampleLinesAndCsv) {
  const Results results = example();
  const std::vector<std::string> lines = split(per_sample_jsonl(results), '\n');
  ASSERT_EQ(lines.size(), 9u);  // 2 methods x 4 samples, and what follows the last line feed
  const auto failed = nlohmann::json::parse(lines[2]);
  EXPECT_EQ(failed["id"], "c");
  EXPECT_TRUE(failed["right"].is_null());
  EXPECT_TRUE(failed["nearest"].is_null());
  EXPECT_EQ(failed["failed"], "missing");
  EXPECT_EQ(nlohmann::json::parse(lines[1])["nearest"], "other");

  const std::string csv = summary_csv(results, summarize(results, 100, 1));
  EXPECT_NE(csv.find("\nours,category,physical,right,grey,0.5,"), std::string::npos);
  EXPECT_NE(csv.find("\nours,scenario,tiles,closeness,grey,,,,1,0\n"), std::string::npos);
}

TEST(Summary, AScenarioMayNotHideAnotherRow) {
  for (const char* name : {"physical", "causal", "macro", "micro"}) {
    Results results = example();
    results.samples[0].scenario = name;
    EXPECT_ERROR(summarize(results, 10, 1), kData, name);
  }
}

TEST(Summary, NoSamplesGiveNoValues) {
  Results results = example();
  results.samples.clear();
  for (MethodResults& method : results.methods) method.outcomes.clear();
  const Summary summary = summarize(results, 10, 1);
  EXPECT_FALSE(summary.methods[0].macro().means[0].has_value());
  EXPECT_EQ(summary.methods[0].macro().num_samples, 0);
}

TEST(Tables, BestSecondTiesAndMissing) {
  Results results = example();
  MethodResults second = results.methods[0];
  second.name = "an_other";
  second.outcomes[1].score.values[0] = 1.0;  // right by category: physical 1, macro 1
  results.methods.insert(results.methods.begin() + 1, second);
  const std::vector<Table> tables = make_tables(results, summarize(results, 10, 1));
  const Table& overview = tables[0];
  EXPECT_EQ(overview.num_methods, 2u);
  EXPECT_EQ(overview.rows[0][0].text, "0.750");
  EXPECT_TRUE(overview.rows[0][0].second);
  EXPECT_TRUE(overview.rows[1][0].best);
  EXPECT_TRUE(overview.rows[0][1].best && overview.rows[1][1].best);  // a tie
  EXPECT_FALSE(overview.rows[2][0].best);                             // anchors are not ranked
  EXPECT_EQ(tables[2].rows[0][0].text, "–");  // closeness of the black target

  const std::string markdown = tables_markdown(tables, "note");
  EXPECT_NE(markdown.find("**1.000**"), std::string::npos);
  EXPECT_NE(markdown.find("<u>0.750</u>"), std::string::npos);
  const std::string latex = tables_latex(tables, "note");
  EXPECT_NE(latex.find("an\\_other & \\textbf{1.000}"), std::string::npos);
  EXPECT_NE(latex.find("\\underline{0.750}"), std::string::npos);
  EXPECT_NE(latex.find("right $\\uparrow$"), std::string::npos);
}

TEST(Tables, AnyNameOfAScenarioStaysInItsColumn) {
  Results results = example();
  results.samples[3].scenario = "a|b\nc\\";
  const std::vector<Table> tables = make_tables(results, summarize(results, 10, 1));
  EXPECT_NE(tables_markdown(tables, "note").find(R"(| a\|b c\\ ↑ |)"), std::string::npos);
  EXPECT_NE(tables_latex(tables, "note").find(" & a|b c\\textbackslash{} "), std::string::npos);
}

}  // namespace
}  // namespace reasonbrain::eval
