"""From a folder of faces to an int8 model that the gate's classifier loads, by the commands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from gate.cli.model.evaluate import command as evaluate
from gate.cli.model.export import command as export
from gate.cli.model.train import command as train
from gate.errors import GateError, ModelError, PictureError
from gate.system import resources
from gate.training import batches, data, fit, metrics, run_record
from gate.training.augment import vary
from gate.training.evaluate import score_examples
from gate.training.export import USUAL_THRESHOLD, load
from gate.training.plan import Schedule, TrainingPlan
from gate.vision.classifier import TFLiteClassifier
from gate.vision.framing import normalise
from tests.training.conftest import draw_set, drawn_face

JSON_KEYS = {
    "n", "accuracy", "auc", "false_accept_rate", "false_reject_rate", "threshold", "no_face",
}  # fmt: skip


def call(command: Any, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("faces") / "drawn", 50, seed=1)


@pytest.fixture(scope="module")
def trained(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the smallest network, long enough to tell the drawn mouths apart."""
    out = tmp_path_factory.mktemp("runs") / "drawn"
    result = call(
        train, "--data", faces, "--crops", "haar", "--arch", "lenet5-modified", "--out", out,
        "--epochs", 14, "--batch", 8, "--schedule", "cosine", "--validation-share", 0.2,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    model = trained / "tiny.tflite"
    result = call(
        export, "--run", trained, "--out", model, "--precision", "int8", "--false-accepts", 0.4
    )
    assert result.exit_code == 0, result.output
    assert "another verdict on" in result.output
    assert "for 40 % false accepts" in result.output
    return model


@pytest.mark.tensorflow
def test_a_threshold_from_a_handful_of_faces_is_a_guess_on_the_safe_side(
    exported: Path, trained: Path, tmp_path: Path
) -> None:
    """Four in ten of eight faces can be told; one in twenty, or none at all, can't."""
    measured = json.loads(exported.with_suffix(".json").read_text())["threshold"]
    assert metrics.LEAST <= measured < USUAL_THRESHOLD
    model = tmp_path / "new" / "folder" / "strict.tflite"
    result = call(export, "--run", trained, "--out", model, "--false-accepts", 0.0)
    assert result.exit_code == 0, result.output
    assert "is a guess: 8 validation faces that do not smile are too few" in result.output
    assert json.loads(model.with_suffix(".json").read_text())["threshold"] >= USUAL_THRESHOLD
    assert model.with_suffix(".npz").exists()


@pytest.mark.tensorflow
def test_the_run_leaves_its_history(trained: Path) -> None:
    """The best model, the table and the plot must be in the run's folder."""
    lines = (trained / "history.csv").read_text().splitlines()
    assert len(lines) == 15
    assert (trained / "best.keras").stat().st_size > 0
    assert (trained / "history.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.tensorflow
def test_the_int8_model_tells_unseen_faces_apart(exported: Path, tmp_path: Path) -> None:
    """The gate's classifier must load the int8 file and know new drawn smiles from frowns."""
    examples = data.read(draw_set(tmp_path / "new", 25, seed=99), data.Crops.HAAR).examples
    with TFLiteClassifier(exported) as classifier:
        assert classifier.dtype == np.int8
        scores = score_examples(classifier, examples)
    labels = run_record.labels(examples)
    assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.3


@pytest.mark.tensorflow
def test_evaluate_answers_one_json_object(exported: Path, faces: Path, tmp_path: Path) -> None:
    """``evaluate --json`` must print the named keys, stress and groups, and draw both pictures."""
    groups = tmp_path / "groups.csv"
    groups.write_text("file,group\nsmiling/000.png,near\nnot_smiling/001.png,near\n")
    sheet, plot = tmp_path / "errors.png", tmp_path / "stress.png"
    result = call(
        evaluate, faces, "--model", exported, "--crops", "haar", "--json", "--stress",
        "--stress-plot", plot, "--errors", sheet, "--groups", groups, "--by-trait",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout.splitlines()[-1])
    assert set(answer) >= JSON_KEYS
    assert answer["n"] == 100
    assert answer["groups"][-1]["group"] == "near"
    assert answer["groups"][-1]["n"] == 2
    assert len(answer["stress"]["JPEG quality"]) == 4
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.tensorflow
def test_evaluate_shows_a_table_for_people(exported: Path, faces: Path) -> None:
    """Without ``--json`` the numbers must come as a table with intervals."""
    result = call(evaluate, faces, "--model", exported, "--crops", "haar", "--kept-out-share", 0.2)
    assert result.exit_code == 0, result.output
    assert "false accepts" in result.output
    assert "Wilson 95 %" in result.output


@pytest.mark.tensorflow
def test_the_same_seed_gives_the_same_model(faces: Path, tmp_path: Path) -> None:
    """Two runs of one plan must end with the same weights, another seed with others."""
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        source = run_record.RunRecord(
            plan=TrainingPlan(arch="lenet5-modified", epochs=2, batch=8, seed=seed),
            folders=(str(faces),),
            crops=data.Crops.HAAR,
        )
        run = fit.Run(source.plan, *source.examples(), tmp_path / name)
        weights.append(np.concatenate([w.ravel() for w in run.go().get_weights()]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.tensorflow
def test_a_small_set_is_learnt_with_the_settings_as_they_are(faces: Path, tmp_path: Path) -> None:
    """A few dozen faces get enough steps, and the mean of the weights does not lag behind them."""
    source = run_record.RunRecord(
        plan=TrainingPlan(arch="deep-cnn", epochs=4, schedule=Schedule.COSINE),
        folders=(str(faces),),
        crops=data.Crops.HAAR,
    )
    training, validation = source.examples()
    run = fit.Run(source.plan, training, validation, tmp_path / "run")
    crops = batches.plain_crops(training, source.plan.framing, run.size)
    seen, labels = normalise(crops, source.plan.normalisation), run_record.labels(training)

    def loss(model: Any) -> float:
        scores = np.clip(batches.predicted(model, seen), 1e-6, 1 - 1e-6)
        return float(-np.mean(np.where(labels == 1, np.log(scores), np.log(1 - scores))))

    best = run.go()
    assert loss(best) < 0.5
    assert loss(best) < loss(run.model) + 0.1


@pytest.mark.parametrize(
    ("faces", "batch", "at_once"),
    [(11_499, None, 128), (2_020, None, 31), (400, None, 16), (5, None, 5), (400, 128, 128)],
)
def test_a_small_set_has_small_batches(faces: int, batch: int | None, at_once: int) -> None:
    """An epoch has some sixty steps unless a batch was asked for or the faces are few."""
    assert TrainingPlan(batch=batch).faces_a_step(faces) == at_once


@pytest.mark.tensorflow
def test_the_best_epoch_is_best_as_the_faces_are_and_as_a_queue_shows_them(
    faces: Path, tmp_path: Path
) -> None:
    """The loss that decides is over both kinds of validation faces, the same ones every time."""
    source = run_record.RunRecord(
        plan=TrainingPlan(arch="lenet5-modified", epochs=3, batch=8),
        folders=(str(faces),),
        crops=data.Crops.HAAR,
    )
    plan, (training, validation) = source.plan, source.examples()
    run = fit.Run(plan, training, validation, tmp_path / "run")
    best = run.go()
    rng = np.random.default_rng(fit.VALIDATION_SEED)
    varied = [
        vary(e.image, e.box, float(e.label), plan.framing, run.size, rng, plan.strength)
        for e in validation
    ]
    seen = normalise(np.stack([crop for crop, _ in varied]), plan.normalisation)
    scores = batches.predicted(
        best, np.concatenate([batches.normalised(validation, plan, best), seen])
    )
    labels = np.array([e.label for e in validation] + [label for _, label in varied])
    losses = -np.log(np.where(labels == 1, scores, 1 - scores))
    weights = np.tile(batches.class_weights(validation), 2)
    recorded = min(epoch.validation_loss for epoch in run.history)
    assert recorded == pytest.approx(np.average(losses, weights=weights), rel=1e-4)


@pytest.mark.tensorflow
def test_a_broken_off_run_goes_on_where_it_was(faces: Path, tmp_path: Path) -> None:
    """After Ctrl-C in the third epoch, the same plan must go on from the second and finish."""
    source = run_record.RunRecord(
        plan=TrainingPlan(arch="lenet5-modified", epochs=4, batch=8),
        folders=(str(faces),),
        crops=data.Crops.HAAR,
    )
    examples = source.examples()

    def interrupt(progress: fit.Progress) -> None:
        if len(progress.history) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit.Run(source.plan, *examples, tmp_path / "run").go(interrupt)
    run = fit.Run(source.plan, *examples, tmp_path / "run")
    assert len(run.history) == 2
    whole = fit.Run(source.plan, *examples, tmp_path / "whole")
    for one in (run, whole):
        one.go()
    assert run.finished
    assert [e.loss for e in run.history] == pytest.approx([e.loss for e in whole.history])


@pytest.mark.tensorflow
def test_a_pupil_learns_from_its_teachers(trained: Path, faces: Path, tmp_path: Path) -> None:
    """With a teacher who knows them, even faces with every second label wrong must be learnt."""
    source = run_record.load(trained)
    training, validation = source.examples()
    model = load(trained / "best.keras")
    soft = batches.opinions([model], training, source.plan)
    labels = run_record.labels(training)
    assert soft[labels == 1].mean() > soft[labels == 0].mean() + 0.3
    wrong = [replace(e, label=n % 2) for n, e in enumerate(training)]
    plan = replace(source.plan, trust=1.0, mixing=0.3, epochs=8)
    pupil = fit.Run(plan, wrong, validation, tmp_path / "pupil", soft).go()
    scores = batches.predicted(pupil, batches.normalised(validation, plan, pupil))
    assert metrics.auc(scores, run_record.labels(validation)) > 0.8


def test_teachers_are_asked_once(tmp_path: Path) -> None:
    """A run that goes on must not ask its teachers again, one with others must."""
    file, asked = tmp_path / "run" / "opinions.npz", []

    def ask() -> Any:
        asked.append(1)
        return np.full(3, len(asked), np.float32)

    first = batches.remembered(file, [Path("a")], ask)
    again = batches.remembered(file, [Path("a")], ask)
    other = batches.remembered(file, [Path("a"), Path("b")], ask)
    assert [first[0], again[0], other[0]] == [1, 1, 2]


@pytest.mark.tensorflow
def test_a_folder_with_another_run_is_not_overwritten(trained: Path, faces: Path) -> None:
    """Another plan in the same folder must be refused, and the old run left alone."""
    before = (trained / "state.json").read_bytes()
    with pytest.raises(GateError, match="another --out"):
        CliRunner().invoke(
            train,
            ["--data", str(faces), "--crops", "haar", "--arch", "lenet5-modified", "--out",
             str(trained), "--epochs", "3"],
            catch_exceptions=False,
        )  # fmt: skip
    assert (trained / "state.json").read_bytes() == before


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        ("empty", PictureError, "has no folder"),
        ("one class", PictureError, "holds no pictures"),
        ("unreadable", PictureError, "none of its pictures can be read"),
        ("arch", ModelError, "there are lenet5-modified"),
    ],
)
def test_train_refuses_bad_input(
    drawn: Path, tmp_path: Path, spoil: str, error: type[GateError], says: str
) -> None:
    """Each kind of bad input must be one line that says what to do, and leave no run behind."""
    folder = drawn
    if spoil == "empty":
        folder = tmp_path / "empty"
        folder.mkdir()
    elif spoil != "arch":
        for path in (drawn / "smiling").iterdir():
            path.unlink() if spoil == "one class" else path.write_bytes(b"no picture")
    arch = "transformer" if spoil == "arch" else "lenet5-modified"
    arguments = ["--data", str(folder), "--out", str(tmp_path / "run"), "--arch", arch]
    with pytest.raises(error, match=says) as caught:
        CliRunner().invoke(train, arguments, catch_exceptions=False)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_export_and_evaluate_refuse_what_is_no_model(drawn: Path, tmp_path: Path) -> None:
    """A folder without a run and a missing model must each be one clear line."""
    with pytest.raises(ModelError, match="holds no training run"):
        CliRunner().invoke(
            export,
            ["--run", str(drawn), "--out", str(tmp_path / "x.tflite")],
            catch_exceptions=False,
        )
    with pytest.raises(ModelError, match="no model file"):
        CliRunner().invoke(
            evaluate, [str(drawn), "--model", str(tmp_path / "x.tflite")], catch_exceptions=False
        )


@pytest.mark.tensorflow
def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    """A network that wants colour must be refused by name, whatever its card says."""
    from gate.training.export import Precision, Recipe, convert, write
    from gate.training.keras_backend import keras
    from gate.vision.model_input import Framing, Normalisation

    layers = keras().layers
    model = keras().Sequential(
        [keras().Input((16, 16, 3)), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    path = tmp_path / "colour.tflite"
    recipe = Recipe("colour", Framing(1.0, 0.0, 0.0), Normalisation.STANDARD)
    write(convert(model, Precision.FLOAT), path, recipe)
    with pytest.raises(ModelError, match=r"takes \(1, 16, 16, 3\)"):
        TFLiteClassifier(path)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["best.keras", "tiny.npz"])
def test_fine_tuning_begins_with_the_weights_given(
    name: str, exported: Path, trained: Path, tmp_path: Path
) -> None:
    """A run with a start must begin with its weights, and refuse another architecture's."""
    source = run_record.load(trained)
    start = load(trained / name)
    best = load(trained / "best.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(start.get_weights(), best, strict=True))
    run = fit.Run(source.plan, *source.examples(), tmp_path / "tuned", start=start)
    begun = zip(run.model.get_weights(), start.get_weights(), strict=True)
    assert all(np.array_equal(mine, given) for mine, given in begun)
    with pytest.raises(ModelError, match="is no small-cnn"):
        fit.Run(
            replace(source.plan, arch="small-cnn"),
            *source.examples(),
            tmp_path / "other",
            start=start,
        )


@pytest.mark.tensorflow
def test_the_word_shipped_stands_for_the_shipped_weights(faces: Path, tmp_path: Path) -> None:
    """``--start shipped`` must find them from any folder; they are no weights of a LeNet."""
    arguments = ["--data", str(faces), "--out", str(tmp_path / "run"), "--start", "shipped"]
    with pytest.raises(ModelError, match="to start from is no lenet5-modified"):
        CliRunner().invoke(train, [*arguments, "--arch", "lenet5-modified"], catch_exceptions=False)


@pytest.mark.tensorflow
def test_the_shipped_weights_are_those_of_the_shipped_model() -> None:
    """What fine-tuning starts from says what the gate's file says, but for its calibration."""
    card = json.loads(resources.path("models/smile.json").read_text())
    rng = np.random.default_rng(3)
    faces = [drawn_face(rng, smiling=number % 2 == 0) for number in range(40)]
    crops = np.stack([cv2.resize(face, (48, 48)) for face in faces])
    model = load(resources.path("models/smile.npz"))
    with TFLiteClassifier(resources.path("models/smile.tflite")) as classifier:
        shipped = classifier.score(list(crops))
        seen = normalise(crops, classifier.card.normalisation)
    raw = batches.predicted(model, seen).astype(float)
    logits = np.log(raw / (1 - raw))
    known = card["calibration"]
    expected = 1 / (1 + np.exp(-(logits - known["shift"]) / known["temperature"]))
    assert np.ptp(expected) > 0.5
    assert shipped == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_weights_that_are_none_are_refused(content: bytes, tmp_path: Path) -> None:
    """Another file must be one clear line."""
    path = tmp_path / "start.npz"
    path.write_bytes(content)
    refused(path)


@pytest.mark.tensorflow
@pytest.mark.parametrize("arch", ["lenet5-modified", "transformer"])
def test_weights_of_another_network_are_refused(arch: str, tmp_path: Path) -> None:
    """Weights that do not fit their network, and a network that there is not."""
    path = tmp_path / "start.npz"
    np.savez(path, arch=np.array(arch), w000=np.zeros(3))
    refused(path)


@pytest.mark.tensorflow
def test_damaged_weights_are_refused(exported: Path, tmp_path: Path) -> None:
    """Wherever a piece is gone: refused in a line."""
    whole = exported.with_suffix(".npz").read_bytes()
    path = tmp_path / "start.npz"
    for at in range(100, len(whole) - 64, len(whole) // 40):
        path.write_bytes(whole[:at] + bytes([255] * 64) + whole[at + 64 :])
        refused(path)


def refused(path: Path) -> None:
    with pytest.raises(ModelError, match=r"start\.npz: not the weights of a model") as caught:
        load(path)
    assert "\n" not in str(caught.value)
