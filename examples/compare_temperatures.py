"""What does temperature do to melodies? Entropy, range, and how surprised the model itself is."""

import numpy as np

import melodysynthesis as ms

TEMPERATURES = (0.6, 0.9, 1.2)


def main() -> None:
    """Print a row for each temperature, the means of ten melodies."""
    model = ms.load_model("lstm")
    print("temperature  pitch entropy  range  bits per note")
    for temperature in TEMPERATURES:
        melodies = ms.generate(model=model, meter="4/4", bars=8, count=10, temperature=temperature, seed=2)
        described = [ms.describe(melody) for melody in melodies]
        entropy, span = (np.mean([one[name] for one in described]) for name in ("Pitch Entropy", "Pitch Range"))
        bits = ms.evaluate(model, melodies).bits_per_note().value
        print(f"{temperature:11.1f}  {entropy:13.2f}  {span:5.1f}  {bits:13.2f}")


if __name__ == "__main__":
    main()
