from __future__ import annotations

import pandas as pd
import pytest

from sicmir_atlas.harmonise.rollup import disease_category_of, lineage_of, organ_of, organs
from sicmir_atlas.names import ontologies, read_data_table

ROLLS = {"lineages": lineage_of, "organs": organ_of, "disease_categories": disease_category_of}

ORGANS = [  # atlas spec, section 4
    *("adipose", "adrenal", "bladder", "blood", "bone marrow", "brain", "breast", "eye"),
    *("gallbladder/bile duct", "heart/vasculature", "intestine", "kidney", "liver", "lung"),
    *("lymph node", "muscle", "ovary/fallopian tube", "pancreas", "pituitary"),
    *("placenta/uterus", "prostate", "skin", "spleen", "stomach/oesophagus", "testis", "thymus"),
]
CATEGORIES = {  # atlas spec, section 4
    *("healthy", "solid tumour", "haematological malignancy", "infection"),
    *("autoimmune/inflammatory", "cardiovascular", "metabolic/endocrine", "neurological"),
    *("respiratory", "digestive/hepatic", "renal/urogenital", "developmental/other"),
}
PAPER = {  # lineages that the paper names
    *("epithelial", "endothelial", "fibroblast", "oligodendrocyte", "B cell", "myofibroblast"),
    *("T cell/natural killer", "neuron", "myeloid"),
}


def term(label, ontology):
    return ontologies().get_term_label_to_id_map(ontology)[label]


@pytest.mark.parametrize("name", ROLLS)
def test_every_row_of_a_table_is_a_term_of_today_under_its_label(name):
    table = read_data_table(f"{name}.tsv")
    assert not table["term_id"].duplicated().any()
    for row in table.itertuples():
        assert not ontologies().is_term_deprecated(row.term_id)
        assert ontologies().get_term_label(row.term_id) == row.label


@pytest.mark.parametrize("name", ROLLS)
def test_no_row_is_hidden_by_one_before_it(name):
    for group, term_id, _ in read_data_table(f"{name}.tsv").itertuples(index=False):
        assert ROLLS[name](term_id) == group, term_id


def test_the_groups_are_those_of_the_spec():
    assert list(organs()) == ORGANS
    assert set(read_data_table("disease_categories.tsv")["disease_category"]) == CATEGORIES
    assert set(read_data_table("lineages.tsv")["lineage"]) > PAPER


@pytest.mark.parametrize(
    ("label", "lineage", "reason"),
    [
        ("hepatocyte", "epithelial", "of endodermal epithelium"),
        ("respiratory basal cell", "epithelial", "CL has it as a stem cell of epithelial fate"),
        ("choroid plexus epithelial cell", "epithelial", "CL has it among glia, too"),
        ("endothelial cell of lymphatic vessel", "endothelial", "is an endothelial cell"),
        ("hepatic stellate cell", "fibroblast", "is a fibroblast in CL"),
        ("myofibroblast cell", "myofibroblast", "apart from fibroblasts, as in the paper"),
        ("oligodendrocyte", "oligodendrocyte", "the lineage itself"),
        ("oligodendrocyte precursor cell", "oligodendrocyte precursor", "cycles; apart in gliomas"),
        ("astrocyte of the cerebral cortex", "astrocyte", "is an astrocyte"),
        ("Mueller cell", "other glia", "mature glia, though CL has it among radial glia"),
        ("radial glial cell", "neural progenitor", "divides and makes neurons"),
        ("microglial cell", "myeloid", "a macrophage, though CL has it among glia, too"),
        ("plasmacytoid dendritic cell", "myeloid", "a mononuclear phagocyte in CL"),
        ("mast cell", "myeloid", "is a myeloid leukocyte"),
        ("plasma cell", "B cell", "of the B lineage"),
        ("pro-B cell", "B cell", "committed, though CL has it among precursors"),
        ("group 3 innate lymphoid cell", "T cell/natural killer", "innate kin of T and NK cells"),
        ("mature NK T cell", "T cell/natural killer", "is a T cell"),
        ("erythrocyte", "erythroid", "asked before myeloid, under which CL has it"),
        ("platelet", "megakaryocyte/platelet", "asked before myeloid, under which CL has it"),
        ("hematopoietic stem cell", "hematopoietic stem/progenitor", "makes all blood lineages"),
        ("lymphocyte", "leukocyte", "B or T is not said"),
        ("type B pancreatic cell", "endocrine", "asked before epithelial, which it is, too"),
        ("somatotroph", "endocrine", "asked before neuron, under which CL has it"),
        ("retinal rod cell", "neuron", "photoreceptors are neurons"),
        ("spermatid", "germ cell", "of the germ line"),
        ("extravillous trophoblast", "trophoblast", "of the conceptus"),
        ("pericyte", "mural", "lies on vessels"),
        ("aortic smooth muscle cell", "smooth muscle", "is smooth muscle"),
        ("skeletal muscle satellite cell", "skeletal muscle", "a cell of skeletal muscle"),
        ("cardiac muscle cell", "cardiac muscle", "asked before muscle"),
        ("melanocyte of skin", "melanocyte", "is a melanocyte"),
        ("brown adipocyte", "adipocyte", "is an adipocyte"),
        ("articular chondrocyte", "bone/cartilage", "is a chondrocyte"),
        ("stromal cell of endometrium", "stromal/mesenchymal", "is a stromal cell"),
        ("malignant cell", "neoplastic", "whatever it came from"),
        ("cell", None, "too broad"),
        ("progenitor cell", None, "too broad"),
    ],
)
def test_a_cell_type_has_the_lineage_of_its_ancestors(label, lineage, reason):
    assert lineage_of(term(label, "CL")) == lineage, reason


@pytest.mark.parametrize(
    ("label", "organ", "reason"),
    [
        ("lung parenchyma", "lung", "part of lung"),
        ("bronchus", "lung", "the lung holds its bronchi"),
        ("colon", "intestine", "part of the large intestine"),
        ("mesenteric lymph node", "lymph node", "asked before intestine"),
        ("prefrontal cortex", "brain", "part of brain"),
        ("retina", "eye", "part of eye"),
        ("pituitary gland", "pituitary", "asked before brain, of which UBERON has it a part"),
        ("adenohypophysis", "pituitary", "part of it"),
        ("blood", "blood", "the organ itself"),
        ("umbilical cord blood", "blood", "is blood"),
        ("bone marrow", "bone marrow", "the organ itself"),
        ("islet of Langerhans", "pancreas", "part of pancreas"),
        ("aorta", "heart/vasculature", "a vessel"),
        ("myocardium", "heart/vasculature", "asked before muscle, which it is, too"),
        ("kidney blood vessel", "kidney", "the organ comes before its vessels"),
        ("endometrium", "placenta/uterus", "part of uterus"),
        ("decidua", "placenta/uterus", "maternal side of the placenta"),
        ("fallopian tube", "ovary/fallopian tube", "the organ itself"),
        ("visceral fat", "adipose", "is adipose tissue"),
        ("skin of abdomen", "skin", "is skin"),
        ("caudate lobe of liver", "liver", "part of liver"),
        ("intrahepatic bile duct", "gallbladder/bile duct", "a duct before the liver it lies in"),
        ("mucosa of stomach", "stomach/oesophagus", "part of stomach"),
        ("gastrocnemius", "muscle", "is a muscle"),
        ("thyroid gland", None, "none of the 26"),
        ("spinal cord", None, "none of the 26, and no brain"),
        ("trachea", None, "none of the 26, and no lung"),
        ("tonsil", None, "none of the 26, and no lymph node"),
    ],
)
def test_a_tissue_belongs_to_the_organ_that_it_is_part_of(label, organ, reason):
    assert organ_of(term(label, "UBERON")) == organ, reason


@pytest.mark.parametrize(
    "tissue", ["CL:0000084", "CL:2000001", "CVCL_0030", "UBERON:9999999", "blood", ""]
)
def test_cells_and_cell_lines_are_of_no_organ(tissue):
    assert organ_of(tissue) is None


@pytest.mark.parametrize(
    ("term_id", "label", "category", "reason"),
    [
        ("PATO:0000461", "normal", "healthy", "CELLxGENE's term for healthy"),
        ("MONDO:0007256", "hepatocellular carcinoma", "solid tumour", "a tumour before its organ"),
        ("MONDO:0005184", "pancreatic ductal adenocarcinoma", "solid tumour", "the same"),
        ("MONDO:0018177", "glioblastoma", "solid tumour", "the same"),
        ("MONDO:0006456", "thymoma", "solid tumour", "no tumour of blood cells"),
        ("MONDO:0004972", "adenoma", "solid tumour", "benign ones count"),
        (
            *("MONDO:0018874", "acute myeloid leukemia", "haematological malignancy"),
            "a neoplasm of blood cells",
        ),
        ("MONDO:0009693", "plasma cell myeloma", "haematological malignancy", "the same"),
        ("MONDO:0100096", "COVID-19", "infection", "a cause before the organ"),
        ("MONDO:0005812", "influenza", "infection", "the same"),
        ("MONDO:0005101", "ulcerative colitis", "autoimmune/inflammatory", "a cause before gut"),
        ("MONDO:0005011", "Crohn disease", "autoimmune/inflammatory", "the same"),
        ("MONDO:0005301", "multiple sclerosis", "autoimmune/inflammatory", "MONDO: autoimmune"),
        ("MONDO:0005147", "type 1 diabetes mellitus", "autoimmune/inflammatory", "the same"),
        ("MONDO:0005148", "type 2 diabetes mellitus", "metabolic/endocrine", "of glucose"),
        ("MONDO:0011122", "obesity disorder", "metabolic/endocrine", "nutritional"),
        ("MONDO:0004975", "Alzheimer disease", "neurological", "of the nervous system"),
        ("MONDO:0005090", "schizophrenia", "neurological", "psychiatric ones belong here"),
        ("MONDO:0005068", "myocardial infarction", "cardiovascular", "of the heart"),
        ("MONDO:0005021", "dilated cardiomyopathy", "cardiovascular", "heart before muscle"),
        ("MONDO:0005002", "chronic obstructive pulmonary disease", "respiratory", "of the lung"),
        (
            *("MONDO:0800504", "idiopathic pulmonary fibrosis", "respiratory"),
            "MONDO has it under pneumonia, and that under infections; it is none",
        ),
        ("MONDO:0005155", "cirrhosis of liver", "digestive/hepatic", "not endocrine, as in MONDO"),
        ("MONDO:0007027", None, "digestive/hepatic", "steatohepatitis: liver before inflammation"),
        ("MONDO:0005300", "chronic kidney disease", "renal/urogenital", "of the kidney"),
        ("MONDO:0005133", "endometriosis", "renal/urogenital", "reproductive system"),
        ("MONDO:0005081", "preeclampsia", "renal/urogenital", "of pregnancy"),
        ("MONDO:0008608", "Down syndrome", "developmental/other", "chromosomal"),
        ("MONDO:0005150", "age-related macular degeneration", "developmental/other", "of the eye"),
        ("MONDO:0002280", "anemia", "developmental/other", "no other category has it"),
    ],
)
def test_a_disease_falls_into_the_category_a_curator_would_choose(term_id, label, category, reason):
    assert label in (None, ontologies().get_term_label(term_id))
    assert disease_category_of(term_id) == category, reason


def test_several_diseases_name_each_category_once():
    several = "MONDO:0005148 || MONDO:0005300 || MONDO:0011122"
    assert disease_category_of(several) == "metabolic/endocrine || renal/urogenital"
    assert disease_category_of("MONDO:0100096 || MONDO:9999999") == "infection"


@pytest.mark.parametrize("disease", ["", "MONDO:9999999", "CL:0000084", "cancer", "PATO:0000383"])
def test_what_is_no_disease_has_no_category(disease):
    assert disease_category_of(disease) is None


def test_every_disease_of_mondo_has_a_category():
    parser = ontologies()
    for term_id in parser.get_term_label_to_id_map("MONDO").values():
        if "MONDO:0000001" in parser.get_term_ancestors(term_id):
            assert disease_category_of(term_id) in CATEGORIES


def test_a_deprecated_term_counts_as_the_one_that_replaces_it():
    assert ontologies().is_term_deprecated("CL:0000402")
    assert ontologies().get_term_replacement("CL:0000402") == "CL:0000099"
    assert lineage_of("CL:0000402") == "neuron"


def test_a_term_replaced_by_one_of_an_ontology_unknown_here_belongs_nowhere():
    assert ontologies().get_term_replacement("UBERON:0000919") == "GO:0005811"
    assert organ_of("UBERON:0000919") is None


@pytest.mark.real
def test_curated_cell_types_have_a_lineage(shared_data):
    table = pd.read_csv(shared_data / "facts" / "author_celltype_to_cl.tsv.gz", sep="\t", dtype=str)
    terms = table["target_id"][table["target_id"].str.startswith("CL:")]
    assert terms.map(lineage_of).notna().mean() > 0.95
