#include "config/yaml.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/str.h"
#include "core/temp_dir.h"

namespace reasonbrain::config {
namespace {

std::string scalar_at(const Node& tree, const std::string& path) {
  const Node* node = &tree;
  for (const std::string& key : split(path, '.')) {
    node = node->find(key);
    if (node == nullptr) return "(absent)";
  }
  return node->scalar;
}

TEST(Yaml, KeepsKindsQuotesAndLines) {
  const Node tree = parse_yaml("a: 1\nb:\n  c: [x, \"2\"]\n  d:\ne: &n {f: ~}\ng: *n\n", "t.yaml");
  EXPECT_EQ(tree.find("a")->scalar, "1");
  const Node& list = *tree.find("b")->find("c");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(list.items[1].origin.text(), "t.yaml:3");
  EXPECT_EQ(tree.find("b")->find("d")->kind, Node::Kind::kNull);
  EXPECT_EQ(tree.find("g")->find("f")->kind, Node::Kind::kNull);
}

TEST(Yaml, NamesTheLineOfAnError) {
  EXPECT_ERROR(parse_yaml("a: 1\nb: [1\n", "t.yaml"), kConfig, "t.yaml:");
  EXPECT_ERROR(parse_yaml("a: 1\n\tb: 2\n", "t.yaml"), kConfig, "t.yaml:2: ");
  EXPECT_ERROR(parse_yaml("a: 1\nb: 2\na: 3\n", "t.yaml"), kConfig,
               "t.yaml:3: key 'a' stands twice");
  EXPECT_ERROR(parse_yaml("x:\n  a: 1\n  a: 1\n", "t.yaml"), kConfig, "t.yaml:3: key 'a'");
  EXPECT_ERROR(parse_yaml("? [1, 2]\n: 3\n", "t.yaml"), kConfig, "a key must be plain text");
  EXPECT_ERROR(parse_yaml("a: *nowhere\n", "t.yaml"), kConfig, "t.yaml:1: ");
  EXPECT_ERROR(parse_yaml("a: &x [*x]\n", "t.yaml"), kConfig, "t.yaml:1: ");
  EXPECT_ERROR(parse_yaml("a: 1\n---\na: 2\n", "t.yaml"), kConfig, "one YAML document");
  EXPECT_ERROR(parse_yaml("a: \xFF\n", "t.yaml"), kConfig, "not UTF-8");
}

TEST(Yaml, RefusesAliasBombs) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += str("a", i, ": &a", i, " [");
    for (int k = 0; k < 10; ++k) text += str(k > 0 ? ", " : "", "*a", i - 1);
    text += "]\n";
  }
  EXPECT_ERROR(parse_yaml(text, "bomb.yaml"), kConfig, "once its aliases are expanded");
}

TEST(Yaml, CountsTheTextOfAliasesAndAnchors) {
  const std::string megabyte(1 << 20, 'x');
  std::string text = "a: &a " + megabyte + "\nb: [*a";
  for (int i = 0; i < 10; ++i) text += ", *a";
  EXPECT_EQ(parse_yaml(text + "]\n", "t").find("b")->items.size(), 11u);
  for (int i = 0; i < 10; ++i) text += ", *a";
  EXPECT_ERROR(parse_yaml(text + "]\n", "t.yaml"), kConfig, "t.yaml:2: the document has more than");
  std::string nested = megabyte;
  for (int i = 0; i < 20; ++i) nested = str("&n", i, " [", nested, "]");
  EXPECT_ERROR(parse_yaml(nested, "t.yaml"), kConfig, "16 MB of text");
}

TEST(Yaml, LimitsNesting) {
  EXPECT_EQ(parse_yaml(std::string(60, '[') + std::string(60, ']'), "t").items.size(), 1u);
  EXPECT_ERROR(parse_yaml(std::string(70, '[') + std::string(70, ']'), "t"), kConfig, "deeper");
  EXPECT_ERROR(parse_yaml(std::string(100000, '['), "t"), kConfig, "t");
}

TEST(LoadConfig, LaterFilesWinMappingsMergeAndListsAreReplaced) {
  const TempDir dir;
  dir.write("base.yaml", "train: {steps: 1, lr: 2}\nlist: [1, 2, 3]\nkeep: k\n");
  dir.write("over.yaml", "train:\n  steps: 5\nlist: [9]\n");
  const Node tree =
      load_config({dir / "base.yaml", dir / "over.yaml"}, {"train.lr=7", "new.key=v"});
  EXPECT_EQ(scalar_at(tree, "train.steps"), "5");
  EXPECT_EQ(scalar_at(tree, "train.lr"), "7");
  EXPECT_EQ(scalar_at(tree, "keep"), "k");
  EXPECT_EQ(scalar_at(tree, "new.key"), "v");
  ASSERT_EQ(tree.find("list")->items.size(), 1u);
  EXPECT_EQ(tree.find("train")->find("steps")->origin.text(), (dir / "over.yaml").string() + ":2");
  EXPECT_EQ(tree.find("train")->find("lr")->origin.text(), "override 'train.lr=7'");
  EXPECT_EQ(tree.find("keep")->origin.text(), (dir / "base.yaml").string() + ":3");
}

TEST(LoadConfig, IncludesAreMergedBelowTheFile) {
  const TempDir dir;
  dir.write("parts/a.yaml", "x: a\ny: a\nz: a\n");
  dir.write("parts/b.yaml", "include: a.yaml\ny: b\nz: b\n");
  dir.write("top.yaml", "include: [parts/a.yaml, parts/b.yaml]\nz: top\n");
  const Node tree = load_file(dir / "top.yaml");
  EXPECT_EQ(scalar_at(tree, "x"), "a");
  EXPECT_EQ(scalar_at(tree, "y"), "b");
  EXPECT_EQ(scalar_at(tree, "z"), "top");
  EXPECT_EQ(scalar_at(tree, "include"), "(absent)");
}

TEST(LoadConfig, RefusesLoopsAndWhatIsMissing) {
  const TempDir dir;
  dir.write("a.yaml", "x: 1\ninclude: b.yaml\n");
  dir.write("b.yaml", "include: ./a.yaml\n");
  EXPECT_ERROR(load_file(dir / "a.yaml"), kConfig, "b.yaml:1: include of ./a.yaml closes a loop");
  dir.write("self.yaml", "include: [self.yaml]\n");
  EXPECT_ERROR(load_file(dir / "self.yaml"), kConfig, "loop");
  dir.write("missing.yaml", "include: none.yaml\n");
  EXPECT_ERROR(load_file(dir / "missing.yaml"), kConfig, "none.yaml does not exist");
  std::filesystem::create_symlink("loop.yaml", dir / "loop.yaml");
  dir.write("link.yaml", "x: 1\ninclude: loop.yaml\n");
  EXPECT_ERROR(load_file(dir / "link.yaml"), kConfig, "link.yaml:2: included file");
  dir.write("long.yaml", "include: " + std::string(300, 'n') + "\n");
  EXPECT_ERROR(load_file(dir / "long.yaml"), kConfig, "long.yaml:1: included file");
  dir.write("odd.yaml", "include: {a: b}\n");
  EXPECT_ERROR(load_file(dir / "odd.yaml"), kConfig, "expects a path");
  for (int i = 0; i < 30; ++i) {
    dir.write(str("deep", i, ".yaml"), str("include: deep", i + 1, ".yaml\n"));
  }
  EXPECT_ERROR(load_file(dir / "deep0.yaml"), kConfig, "deeper than 16");
}

TEST(LoadConfig, IncludesDoNotMultiply) {
  const TempDir dir;
  for (int i = 0; i < 12; ++i) {
    dir.write(str("f", i, ".yaml"), str("include: [f", i + 1, ".yaml, f", i + 1, ".yaml]\n"));
  }
  dir.write("f12.yaml", "x: 1\n");
  EXPECT_EQ(scalar_at(load_file(dir / "f7.yaml"), "x"), "1");
  EXPECT_ERROR(load_file(dir / "f0.yaml"), kConfig, "more than 100 files");
}

TEST(LoadConfig, KeepsTheOrderOfManyKeys) {
  std::string base, over;
  for (int i = 0; i < 9; ++i) base += str("k", i, ": base\n");
  for (int i = 12; i > 5; --i) over += str("k", i, ": over\n");
  const TempDir dir;
  const Node tree = load_config({dir.write("base.yaml", base), dir.write("over.yaml", over)});
  std::vector<std::string> rows;
  for (const auto& [key, value] : tree.entries) rows.push_back(key + value.scalar[0]);
  EXPECT_EQ(join(rows, " "), "k0b k1b k2b k3b k4b k5b k6o k7o k8o k12o k11o k10o k9o");
}

TEST(LoadConfig, RefusesWhatIsNoConfig) {
  const TempDir dir;
  EXPECT_ERROR(load_file(dir / "absent.yaml"), kConfig, "absent.yaml");
  EXPECT_ERROR(load_file(dir.path()), kConfig, "it is a folder");
  EXPECT_ERROR(load_file(dir.write("list.yaml", "- 1\n- 2\n")), kConfig, "list.yaml:1");
  EXPECT_ERROR(load_file(dir.write("huge.yaml", std::string(5 << 20, '#'))), kConfig, "at most");
  EXPECT_TRUE(load_file(dir.write("empty.yaml", "# nothing\n")).entries.empty());
}

TEST(Overrides, ValuesAreYaml) {
  Node tree = load_config({}, {"a.b=[1, 2]", "c=", "d='5'", "e=x=y"});
  EXPECT_EQ(tree.find("a")->find("b")->items.size(), 2u);
  EXPECT_EQ(tree.find("c")->kind, Node::Kind::kScalar);
  EXPECT_TRUE(tree.find("d")->quoted);
  EXPECT_EQ(scalar_at(tree, "e"), "x=y");
  for (const char* bad : {"a", "=1", "a..b=1", ".a=1", "a.=1"}) {
    EXPECT_ERROR(apply_override(tree, bad), kConfig, "expected KEY=VALUE");
  }
  EXPECT_ERROR(apply_override(tree, "a=[1"), kConfig, "override 'a=[1'");
}

TEST(Overrides, LimitsKeysAndQuotes) {
  Node tree = load_config({});
  std::string keys = "k";
  for (int i = 1; i < 64; ++i) keys += ".k";
  apply_override(tree, keys + "=1");
  EXPECT_EQ(scalar_at(tree, keys), "1");
  EXPECT_ERROR(apply_override(tree, keys + ".k=1"), kConfig, "65 keys");
  EXPECT_ERROR(apply_override(tree, std::string(99, 'a') + "\xC3\xA9"), kConfig,
               "override '" + std::string(99, 'a') + "...': ");
}

TEST(FindConfig, LooksInTheFoldersAndSuggests) {
  const TempDir dir;
  const auto path = dir.write("configs/ablation/t4-04.yaml", "a: 1\n");
  const std::vector<std::filesystem::path> search = {dir / "none", dir / "configs"};
  EXPECT_EQ(find_config(path.string(), {}), path);
  EXPECT_EQ(find_config("ablation/t4-04.yaml", search), path);
  EXPECT_EQ(find_config("ablation/t4-04", search), path);
  EXPECT_ERROR(find_config("ablation/t4-4.yaml", search), kConfig, "nearest 'ablation/t4-04.yaml'");
  EXPECT_ERROR(find_config("x", {}), kConfig, "config 'x'");
}

}  // namespace
}  // namespace reasonbrain::config
