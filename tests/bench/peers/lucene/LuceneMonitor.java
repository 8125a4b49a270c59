// Reverse matching by Apache Lucene Monitor (the percolator's library): for each profile, which items it fits.
// Arguments: ITEMS PROFILES [COUNT]...: files of one JSON object a line; with COUNT only that many items, one run each.
//   item     {"id": "..", "all": [TEST, ..]}
//   TEST     {"attr": "ent.industry", "prefix": "C39"}               a code at or below
//            {"attr": "ent.size", "in": ["小型", ..]}                 one of these
//            {"attr": "ent.blacklisted", "eq": false}                just this
//            {"attr": "ent.industry_tags", "any": ["软件业", ..]}      a set with one of these at least
//            {"attr": "ent.revenue", "low": 100, "high": 4000.5}     from .. to, both within; either may be absent
//            {"any_of": [TEST, ..]}, {"all": [TEST, ..]}
//   profile  {"ent.industry": "C3912", "ent.revenue": 123.45, "ent.industry_tags": [..], "ent.blacklisted": false}
// Numbers have two decimals at most; dates are given as numbers of days. What a profile does not say fits no test.
// One thread, warm. Of several presearchers the one with the least median is printed:
//   {"name": "lucene_monitor_us", "value": median of a profile, "unit": "us", "items": .., "profiles": ..,
//    "matches": pairs that fit, "candidates": queries run for a profile, "presearcher": .., "mean_us": ..,
//    "version": ..}
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.Term;
import org.apache.lucene.monitor.Monitor;
import org.apache.lucene.monitor.MonitorConfiguration;
import org.apache.lucene.monitor.MonitorQuery;
import org.apache.lucene.monitor.MultipassTermFilteredPresearcher;
import org.apache.lucene.monitor.Presearcher;
import org.apache.lucene.monitor.QueryMatch;
import org.apache.lucene.monitor.TermFilteredPresearcher;
import org.apache.lucene.monitor.TermWeightor;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.Version;

public final class LuceneMonitor {
    static final double SECONDS = 8; // of warming up, and again of measuring

    // Lengths of the prefixes that any item asks for: a profile is indexed under each, so that a prefix is one term.
    private final Map<String, TreeSet<Integer>> prefixLengths = new HashMap<>();

    public static void main(String[] args) throws IOException {
        List<JsonObject> items = read(args[0]);
        List<JsonObject> profiles = read(args[1]);
        List<Integer> counts = new ArrayList<>();
        for (int i = 2; i < args.length; ++i) counts.add(Math.min(Integer.parseInt(args[i]), items.size()));
        if (counts.isEmpty()) counts.add(items.size());
        for (int count : counts) new LuceneMonitor().run(items.subList(0, count), profiles);
    }

    private static List<JsonObject> read(String path) throws IOException {
        List<JsonObject> all = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(path)))
            if (!line.isBlank()) all.add(JsonParser.parseString(line).getAsJsonObject());
        return all;
    }

    // --- items as queries, profiles as documents ---------------------------------------------------------------

    private static long hundredths(JsonElement number) {
        return number.getAsBigDecimal().movePointRight(2).longValueExact();
    }

    private static Query combined(JsonArray tests, BooleanClause.Occur occur, LuceneMonitor self) {
        BooleanQuery.Builder all = new BooleanQuery.Builder();
        for (JsonElement test : tests) all.add(self.query(test.getAsJsonObject()), occur);
        return all.build();
    }

    private static Query oneOf(String field, JsonArray values) {
        BooleanQuery.Builder any = new BooleanQuery.Builder();
        for (JsonElement value : values) any.add(term(field, value.getAsString()), BooleanClause.Occur.SHOULD);
        return any.build();
    }

    private static Query term(String field, String value) {
        return new TermQuery(new Term(field, value));
    }

    private Query query(JsonObject test) {
        if (test.has("any_of")) return combined(test.getAsJsonArray("any_of"), BooleanClause.Occur.SHOULD, this);
        if (test.has("all")) return combined(test.getAsJsonArray("all"), BooleanClause.Occur.FILTER, this);
        String attr = test.get("attr").getAsString();
        if (test.has("prefix")) {
            String prefix = test.get("prefix").getAsString();
            prefixLengths.computeIfAbsent(attr, a -> new TreeSet<>()).add(prefix.length());
            return term(attr + "^", prefix);
        }
        if (test.has("in")) return oneOf(attr, test.getAsJsonArray("in"));
        if (test.has("any")) return oneOf(attr, test.getAsJsonArray("any"));
        if (test.has("eq")) {
            JsonPrimitive value = test.getAsJsonPrimitive("eq");
            if (!value.isNumber()) return term(attr, value.getAsString());
            return LongPoint.newExactQuery(attr, hundredths(value));
        }
        if (!test.has("low") && !test.has("high")) throw new IllegalArgumentException("not a test: " + test);
        return LongPoint.newRangeQuery(attr, test.has("low") ? hundredths(test.get("low")) : Long.MIN_VALUE,
            test.has("high") ? hundredths(test.get("high")) : Long.MAX_VALUE);
    }

    private Document document(JsonObject profile) {
        Document document = new Document();
        for (Map.Entry<String, JsonElement> said : profile.entrySet()) {
            if (said.getValue().isJsonNull()) continue;
            List<JsonElement> values =
                said.getValue().isJsonArray() ? said.getValue().getAsJsonArray().asList() : List.of(said.getValue());
            for (JsonElement value : values) {
                if (value.getAsJsonPrimitive().isNumber()) {
                    document.add(new LongPoint(said.getKey(), hundredths(value)));
                    continue;
                }
                String text = value.getAsString();
                document.add(new StringField(said.getKey(), text, Field.Store.NO));
                for (int length : prefixLengths.getOrDefault(said.getKey(), new TreeSet<>()))
                    if (length <= text.length())
                        document.add(new StringField(said.getKey() + "^", text.substring(0, length), Field.Store.NO));
            }
        }
        return document;
    }

    // --- measuring ---------------------------------------------------------------------------------------------

    private record Figures(String presearcher, double median, double mean, long matches, double candidates) {}

    private void run(List<JsonObject> items, List<JsonObject> profiles) throws IOException {
        List<MonitorQuery> queries = new ArrayList<>();
        for (JsonObject item : items) queries.add(new MonitorQuery(item.get("id").getAsString(), query(item)));
        List<Document> documents = profiles.stream().map(this::document).toList();

        // A query is looked up by its terms that the fewest profiles have.
        Map<Term, Integer> having = new HashMap<>();
        for (Document document : documents)
            for (IndexableField field : document)
                if (field.stringValue() != null)
                    having.merge(new Term(field.name(), field.stringValue()), 1, Integer::sum);
        TermWeightor rare = term -> 1.0 / (1 + having.getOrDefault(term, 0));
        Map<String, Supplier<Presearcher>> presearchers = new LinkedHashMap<>();
        presearchers.put("TermFiltered", () -> new TermFilteredPresearcher(rare, List.of(), Set.of()));
        for (int passes : new int[] {2, 4})
            presearchers.put("Multipass" + passes,
                () -> new MultipassTermFilteredPresearcher(passes, 0, rare, List.of(), Set.of()));
        Figures best = null;
        for (var each : presearchers.entrySet()) {
            Figures found = measure(each.getKey(), each.getValue().get(), queries, documents);
            if (best != null && found.matches != best.matches)
                throw new IllegalStateException(found + " does not find what " + best + " finds");
            if (best == null || found.median < best.median) best = found;
        }
        JsonObject line = new JsonObject();
        line.addProperty("name", "lucene_monitor_us");
        line.addProperty("value", best.median);
        line.addProperty("unit", "us");
        line.addProperty("items", items.size());
        line.addProperty("profiles", profiles.size());
        line.addProperty("matches", best.matches);
        line.addProperty("candidates", best.candidates);
        line.addProperty("presearcher", best.presearcher);
        line.addProperty("mean_us", best.mean);
        line.addProperty("version", Version.LATEST.toString());
        System.out.println(line);
    }

    private static Figures measure(
        String name, Presearcher presearcher, List<MonitorQuery> queries, List<Document> documents) throws IOException {
        try (Monitor monitor = new Monitor(new KeywordAnalyzer(), presearcher, new MonitorConfiguration())) {
            for (int at = 0; at < queries.size(); at += 10_000)
                monitor.register(queries.subList(at, Math.min(at + 10_000, queries.size())));
            long matches = 0, run = 0;
            long began = System.nanoTime();
            for (Document document : documents) {
                var found = monitor.match(document, QueryMatch.SIMPLE_MATCHER);
                matches += found.getMatchCount();
                run += found.getQueriesRun();
            }
            pass(monitor, documents, began);
            List<Double> took = new ArrayList<>();
            began = System.nanoTime();
            do took.addAll(pass(monitor, documents, began));
            while (secondsSince(began) < SECONDS);
            Collections.sort(took);
            double mean = took.stream().mapToDouble(x -> x).average().orElse(0);
            Figures figures =
                new Figures(name, took.get(took.size() / 2), mean, matches, (double) run / documents.size());
            System.err.println(queries.size() + " items: " + figures);
            return figures;
        }
    }

    // Microseconds of each profile, until all are done or time is up.
    private static List<Double> pass(Monitor monitor, List<Document> documents, long began) throws IOException {
        List<Double> took = new ArrayList<>();
        for (Document document : documents) {
            long before = System.nanoTime();
            monitor.match(document, QueryMatch.SIMPLE_MATCHER);
            took.add((System.nanoTime() - before) / 1e3);
            if (secondsSince(began) > SECONDS) break;
        }
        return took;
    }

    private static double secondsSince(long began) {
        return (System.nanoTime() - began) / 1e9;
    }
}
